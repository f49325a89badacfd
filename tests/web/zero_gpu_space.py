"""`python -m tests.web.zero_gpu_space PORT`: the page as on a ZeroGPU Space, with the tiny network.

The `spaces` package starts a worker process for each run, as on the Hub; only the two calls that
need a real GPU in that process are replaced.
"""

import sys

import spaces  # isort: split  (before torch, as in app.py)
import spaces.zero.torch

from neural_style.messages import Message
from neural_style.network import weights
from neural_style.network.backbones import BACKBONES, TORCHVISION
from neural_style.run import job
from neural_style.web.page.build import build_page
from neural_style.web.run import handlers
from neural_style.web.run.cost import SpeedMeasurement
from neural_style.web.run.gate import Gate
from neural_style.web.serve import serve
from tests.conftest import seeded_weights, tiny_vgg

spaces.zero.torch.init = lambda nvidia_uuid: None
spaces.zero.torch.move = lambda callback=None: None

BACKBONES["vgg19"] = BACKBONES["vgg19"]._replace(build=tiny_vgg)
SOURCE = Message("weights.from_file", backbone="vgg19", name="tiny")
TINY = weights.Weights(seeded_weights(tiny_vgg()), TORCHVISION, SOURCE, "0" * 64)
job.load_weights = handlers.load_weights = lambda backbone, choice: TINY

if __name__ == "__main__":
    gate = Gate()
    page = build_page(spaces.GPU, SOURCE, SpeedMeasurement(), gate)
    serve(page, gate, server_name="127.0.0.1", server_port=int(sys.argv[1]), quiet=True)
