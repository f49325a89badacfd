"""Serving: which files Gradio deletes."""

from __future__ import annotations

import gradio as gr
import pytest
from gradio.route_utils import delete_files_created_by_app

from neural_style.web.serve import track_files_only

pytestmark = pytest.mark.usefixtures("uploads", "no_loops_left")


def test_folder_that_a_request_names_does_not_stop_the_deletion_of_files(tmp_path):
    with gr.Blocks() as page:
        image = gr.Image()
    image.temp_files.add(str(tmp_path / "before.png"))
    track_files_only(page)
    for name in ("before.png", "after.png", "uploaded.png"):
        (tmp_path / name).touch()
    image.temp_files |= {str(tmp_path / "after.png")}
    image.temp_files.add(str(tmp_path))
    page.upload_file_set.add(str(tmp_path / "uploaded.png"))
    delete_files_created_by_app(page, None)
    assert [*tmp_path.iterdir()] == []
