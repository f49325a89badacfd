"""Downloads of a finished run, their names, and the film."""

from __future__ import annotations

import shutil
import unicodedata
from pathlib import Path

import av
import pytest
from PIL import Image

from neural_style import FileError, load_image
from neural_style.web.run import finished, handlers, runs, view
from neural_style.web.run.addresses import served_folder
from neural_style.web.run.call import Call, call_from_arguments
from neural_style.web.run.finished import download_name, finish_run, make_film
from neural_style.web.run.handlers import run_stylize
from tests.web.stylize_calls import complete_run, knob_values


@pytest.fixture
def every_step(monkeypatch) -> None:
    """Each step has outputs of its own."""
    monkeypatch.setattr(view, "_YIELD_INTERVAL_SECONDS", 0)


class TestDownloads:
    def test_downloads_are_the_picture_as_png_jpeg_and_webp(self, sent, watch):
        values = knob_values(seed=7)
        *_, last = run_stylize(*sent, None, *values)
        files = [Path(file) for file in finish_run(last.run, "", "en").files]
        assert [file.name for file in files] == [
            f"content-style-7{ending}" for ending in (".png", ".jpg", ".webp")
        ]
        assert all(file.is_relative_to(served_folder(Path(last.run))) for file in files)
        assert files[0].read_bytes() == Path(last.picture).read_bytes()
        assert handlers.restore(str(files[0])) == values
        for file, kind in zip(files[1:], ("JPEG", "WEBP"), strict=True):
            with Image.open(file) as image:
                assert image.format == kind
            assert (load_image(file) - load_image(last.picture)).abs().mean() < 0.02

    @pytest.mark.usefixtures("every_step")
    def test_files_of_a_continued_run_have_new_addresses(self, sent, watch):
        """A browser would show the old film again if the new one had its address."""
        folder = complete_run(run_stylize(*sent, None, *knob_values()))
        before = {*finish_run(folder, "", "en").files, *make_film(folder)}
        complete_run(handlers.run_continue(folder, 5, "en"))
        after = {*finish_run(folder, "", "en").files, *make_film(folder)}
        assert not before & after

    @pytest.mark.parametrize("letter", ["x", "é", "画", "𠀀"])
    def test_long_names_of_pictures_make_valid_file_names(self, letter, sent, uploads, watch):
        # Gradio shortens the name of an upload to 200 bytes.
        stem = letter * (190 // len(letter.encode()))
        paths = [str(uploads / f"{stem}{number}.png") for number in range(2)]
        for source, target in zip(sent, paths, strict=True):
            shutil.copyfile(source, target)
        folder = complete_run(run_stylize(*paths, None, *knob_values(seed=2**32 - 1)))
        outputs = finish_run(folder, "", "en")
        assert outputs.status.kind == "done"
        assert all(Path(file).stat().st_size > 0 for file in (*outputs.files, *make_film(folder)))


def call_with(content: str | None, style: str | None, **changes) -> Call:
    """A call with these pictures; the seed is 7."""
    return call_from_arguments(content, style, None, *knob_values(seed=7), **changes)


class TestDownloadName:
    @pytest.mark.parametrize(
        ("content", "style", "name"),
        [
            ("/tmp/a/dahlia.jpg", "/tmp/b/great-wave.jpg", "dahlia-great-wave-7"),
            ("IMG_2024 (1).JPG", "Great__Wave.tar.png", "IMG-2024-1-Great-Wave-tar-7"),
            ("照片.jpg", "画作 2.png", "照片-画作-2-7"),
            ("фото.jpg", "صورة.png", "фото-صورة-7"),
            ("Ωμέγα.jpg", "그림.png", "Ωμέγα-그림-7"),
        ],
    )
    def test_name_has_letters_and_digits_of_any_script(self, content, style, name):
        assert download_name(call_with(content, style)) == name

    @pytest.mark.parametrize("stem", ["हिन्दी", "ภาพที่", "தமிழ்", "שָׁלוֹם"])
    def test_name_keeps_the_marks_of_scripts_that_combine_letters(self, stem):
        assert download_name(call_with(f"{stem}.jpg", "b.jpg")) == f"{stem}-b-7"

    def test_name_keeps_accents_that_are_stored_decomposed(self):
        """macOS stores "é" as "e" with a combining accent."""
        decomposed = unicodedata.normalize("NFD", "café")
        name = download_name(call_with(f"{decomposed}.jpg", "b.jpg"))
        assert unicodedata.normalize("NFC", name) == "café-b-7"

    @pytest.mark.parametrize(
        ("content", "name"),
        [
            ("../../etc/passwd", "passwd-b-7"),
            ("a/..", "b-7"),
            ("..\\..\\windows\\win.ini", "windows-win-b-7"),
            ("<script>alert(1)</script>.png", "script-b-7"),
            ("a\0b.png", "a-b-b-7"),
            ("-rf .png", "rf-b-7"),
            ("~$a;`b`|c&d'e\"f.png", "a-b-c-d-e-f-b-7"),
            ("pho\u202egnp.png", "pho-gnp-b-7"),
            ("two\nlines.png", "two-lines-b-7"),
        ],
    )
    def test_name_has_no_path_and_no_special_characters(self, content, name):
        assert download_name(call_with(content, "b.jpg")) == name

    @pytest.mark.parametrize("stem", ["___", "🎨", "...", " ", "!?"])
    def test_picture_without_letters_is_left_out(self, stem):
        assert download_name(call_with(f"{stem}.jpg", "b.jpg")) == "b-7"
        assert download_name(call_with("a.jpg", f"{stem}.jpg")) == "a-7"
        assert download_name(call_with(f"{stem}.jpg", f"{stem}.jpg")) == "7"

    def test_missing_picture_is_left_out(self):
        assert download_name(call_with("a.jpg", None)) == "a-7"

    def test_name_of_each_picture_has_at_most_forty_characters(self):
        name = download_name(call_with("x" * 41 + ".jpg", "y" * 99 + ".jpg"))
        assert name == f"{'x' * 40}-{'y' * 40}-7"

    def test_shortened_name_does_not_end_in_a_hyphen(self):
        assert download_name(call_with("x" * 39 + "-y.jpg", "b.jpg")) == f"{'x' * 39}-b-7"


@pytest.mark.usefixtures("every_step")
class TestFilm:
    def test_film_has_a_frame_for_each_step_and_the_result(self, sent, watch):
        folder = complete_run(run_stylize(*sent, None, *knob_values(iterations=12, seed=7)))
        webp, mp4 = (Path(path) for path in make_film(folder))
        assert [webp.name, mp4.name] == ["content-style-7-film.webp", "content-style-7-film.mp4"]
        frames = [file.read_bytes() for file in runs.film_frame_files(Path(folder))]
        assert len(frames) == 12
        with Image.open(webp) as film:  # which shows equal frames as one
            assert film.n_frames == len({*frames}) + 1
        assert _frames_of(mp4) == 12 + 1 + 24  # the last one is held for two seconds

    def test_film_does_not_contain_downloads(self, sent, uploads, watch):
        content = shutil.copy(sent[0], str(uploads / "film-festival.png"))
        folder = complete_run(run_stylize(content, sent[1], None, *knob_values(iterations=12)))
        finish_run(folder, "", "en")
        assert _frames_of(Path(make_film(folder)[1])) == 12 + 1 + 24

    def test_run_without_a_picture_has_no_film(self, sent, watch):
        results = run_stylize(*sent, None, *knob_values())
        folder = next(results).run
        assert make_film(folder) is None
        results.close()
        assert make_film(folder) is None

    def test_film_that_cannot_be_written_is_left_out(self, sent, watch, monkeypatch):
        def fail(pictures, path, size):
            raise FileError("file.not_written", path=str(path), reason="No space left on device")

        folder = complete_run(run_stylize(*sent, None, *knob_values()))
        monkeypatch.setattr(finished, "save_film", fail)
        assert make_film(folder) is None
        assert finish_run(folder, "", "en").status.kind == "done"


def _frames_of(film: Path) -> int:
    with av.open(str(film)) as container:
        return sum(1 for _ in container.decode(video=0))
