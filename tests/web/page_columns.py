"""The page's two columns of components, for tests of handlers that update them."""

from __future__ import annotations

from typing import NamedTuple

import gradio as gr

from neural_style.messages import Message
from neural_style.web.page.inputs import Inputs, inputs_column
from neural_style.web.page.results import Results, results_column
from neural_style.web.page.widgets import Localizer


class Columns(NamedTuple):
    """The components of the page, without events."""

    inputs: Inputs
    results: Results


def create_columns() -> Columns:
    """Creates the components in a page of their own."""
    localizer = Localizer()
    note = Message("weights.from_file", backbone="vgg19", name="a note for tests")
    with gr.Blocks():
        return Columns(inputs_column(localizer), results_column(localizer, note))
