"""Helpers that read uploaded pictures: how many at once, and copies that browsers can show."""

from __future__ import annotations

import inspect
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import gradio as gr
import pytest
from PIL import Image

from neural_style import ImageError, load_image
from neural_style.web.page.tool_handlers import select_corner
from neural_style.web.run.uploads import bounded, browser_copy
from tests.images.test_decode import gradient
from tests.images.test_heic import heic


class TestBounded:
    def test_ninth_helper_at_once_is_refused(self):
        go_on, begun = threading.Event(), threading.Semaphore(0)

        @bounded
        def helper(number: int) -> int:
            begun.release()
            assert go_on.wait(60)
            return number

        with ThreadPoolExecutor(8) as pool:
            calls = [pool.submit(helper, number) for number in range(8)]
            for _ in calls:
                assert begun.acquire(timeout=60)
            with pytest.raises(gr.Error, match="Too many pictures are being read"):
                helper(8)
            go_on.set()
            assert [call.result() for call in calls] == [*range(8)]
        assert helper(9) == 9

    def test_failed_helper_frees_its_place(self):
        @bounded
        def fail() -> None:
            raise ValueError("a mistake")

        for _ in range(20):
            with pytest.raises(ValueError, match="a mistake"):
                fail()

    def test_event_data_of_a_helper_is_found(self):
        """Gradio finds it by its annotation."""
        parameter = next(iter(inspect.signature(select_corner).parameters.values()))
        assert gr.utils.get_type_hints(select_corner)[parameter.name] is gr.SelectData


class TestBrowserCopy:
    @pytest.mark.parametrize("name", ["photo.heic", "photo.jpg"])
    def test_heic_becomes_a_jpeg_of_the_same_name(self, uploads, name):
        (uploads / name).write_bytes(heic(gradient(48, 64)))
        copy = browser_copy(str(uploads / name))
        assert Path(copy).name == "photo.jpg"
        assert Path(copy).is_relative_to(uploads)
        with Image.open(copy) as image:
            assert (image.format, image.size) == ("JPEG", (64, 48))
        assert (load_image(copy) - load_image(uploads / name)).abs().mean() < 0.02

    def test_other_formats_are_shown_as_they_are(self, sent, uploads):
        assert browser_copy(sent[0]) is None
        Image.open(sent[0]).convert("RGB").save(uploads / "a.heic", "JPEG")
        assert browser_copy(str(uploads / "a.heic")) is None

    def test_file_that_is_no_picture_is_refused(self, uploads):
        (uploads / "a.heic").write_bytes(b"words")
        with pytest.raises(ImageError, match="not a picture that can be read"):
            browser_copy(str(uploads / "a.heic"))

    def test_pictures_of_one_name_have_copies_of_their_own(self, uploads):
        paths = {browser_copy(self.write(uploads, number)) for number in range(2)}
        assert len(paths) == 2
        assert {Path(path).name for path in paths} == {"same.jpg"}

    def write(self, uploads: Path, number: int) -> str:
        folder = uploads / f"upload-{number}"
        folder.mkdir()
        (folder / "same.heic").write_bytes(heic(gradient(48, 64)))
        return str(folder / "same.heic")
