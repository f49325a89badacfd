"""The entry of the Space: builds the page and serves it."""

import gc

gc.disable()  # Imports leave little garbage; looking for it would take a sixth of the start.

import logging

import spaces  # isort: split  (before torch, which ZeroGPU prepares on import)

from neural_style.devices import use_large_pages
from neural_style.network.weights import load_weights
from neural_style.settings.settings import Settings
from neural_style.web.page.build import build_page
from neural_style.web.run.cost import SpeedMeasurement
from neural_style.web.run.gate import Gate
from neural_style.web.serve import serve

logging.basicConfig(format="%(asctime)s %(name)s %(message)s")
logging.getLogger("neural_style").setLevel(logging.INFO)  # a line for each run
use_large_pages()
# Loaded before the first visitor, and on ZeroGPU shared with every worker.
measurement = SpeedMeasurement()
gate = Gate()
demo = build_page(spaces.GPU, load_weights(Settings().backbone).source, measurement, gate)
gc.freeze()  # All of this stays: no later collection visits it, here or in a worker of ZeroGPU.
gc.enable()

if __name__ == "__main__":
    measurement.start()
    serve(demo, gate)
