"""Albums: several photographs painted one after another, and the ZIP file of the results."""

from __future__ import annotations

import io
import re
import shutil
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile

import gradio as gr
import httpx
import pytest
from PIL import Image
from playwright.sync_api import expect

from neural_style import load_image, save_image
from neural_style.web.page.album import album_handler, album_line, album_status, album_updates
from neural_style.web.page.run_updates import refuse_faults
from neural_style.web.run import album as albums
from neural_style.web.run import cleanup, cost
from neural_style.web.run.addresses import albums_folder
from neural_style.web.run.album import (
    Album,
    AlbumOutputs,
    album_fault,
    album_seconds,
    gpu_seconds_of_album,
    run_album,
)
from neural_style.web.run.handlers import run_stylize
from neural_style.web.run.json_files import write_json
from neural_style.web.run.runs import find_result
from neural_style.web.run.status import Status
from tests.conftest import picture
from tests.images.test_heic import heic
from tests.web.stylize_calls import half_mask, knob_values
from tests.web.visit import delete, open_fold, press

SMALL = {"iterations": 2, "seed": 7}


@pytest.fixture
def photographs(uploads) -> list[str]:
    """Two uploaded photographs of one name and of 96×64 and 64×96."""
    paths = []
    for number, (height, width) in enumerate(((64, 96), (96, 64))):
        folder = uploads / f"upload-{number}"
        folder.mkdir()
        path = save_image(picture(height, width, seed=number), folder / "dahlia.png")
        paths.append(str(path))
    return paths


@pytest.fixture
def dot(uploads) -> str:
    """A photograph that is too small."""
    Image.new("RGB", (1, 1)).save(uploads / "dot.png")
    return str(uploads / "dot.png")


def arguments(album: list[str] | None, style: str | None, **changes) -> list:
    """Those of an album, with settings for a short run."""
    return [album, style, None, *knob_values(**SMALL | changes)]


def paths_of(album: Album) -> list[str]:
    return [str(find_result(name).picture) for name, _ in album.pictures]


def refused(*given) -> tuple[str, str]:
    """The input and the message of an album that is refused; a run says the same."""
    name, message = album_fault(*given)
    (only,) = run_album(*given)
    assert only == AlbumOutputs(Album(), Status("failed", "That did not work", message))
    return name, message


class TestRun:
    def test_pictures_and_zip_are_those_of_single_runs(self, photographs, sent, watch):
        *_, last = run_album(*arguments(photographs, sent[1]))
        assert last.status == Status(
            "done", "2 of 2 photos painted", "Touch one to open it. The ZIP file has all of them."
        )
        assert [name for _, name in last.album.pictures] == ["dahlia", "dahlia"]
        single = [
            [*run_stylize(path, sent[1], None, *knob_values(**SMALL))][-1].picture
            for path in photographs
        ]
        contents = [Path(path).read_bytes() for path in single]
        assert [Path(path).read_bytes() for path in paths_of(last.album)] == contents
        assert load_image(single[1]).shape == (1, 3, 64, 43)
        with ZipFile(last.album.zip_file) as archive:
            entries = archive.infolist()
            assert [one.filename for one in entries] == [
                "dahlia-style-7.png",
                "dahlia-style-7-2.png",
            ]
            assert [archive.read(one) for one in entries] == contents
            assert {one.compress_type for one in entries} == {ZIP_STORED}
        assert Path(last.album.zip_file).name == "album-style-7.zip"
        assert re.fullmatch(r"[\w-]{22}", Path(last.album.zip_file).parent.name)

    def test_finished_pictures_are_in_the_zip_while_the_fraction_grows(
        self, photographs, sent, watch
    ):
        *shown, last = run_album(*arguments(photographs * 2, sent[1]))
        fractions = [one.status.fraction for one in shown]
        assert fractions == sorted(fractions)
        assert (fractions[0], fractions[-1]) == (0.0, 1.0)
        assert {one.status.detail for one in shown} == {
            f"Photo {number} of 4: dahlia" for number in (1, 2, 3, 4)
        }
        assert all(one.status.headline.endswith(" left") for one in shown)
        counts = [len(one.album.pictures) for one in shown if one.album is not None]
        assert counts == [0, 1, 2, 3, 4]
        first = next(one for one in shown if one.album is not None and one.album.pictures)
        assert first.status.fraction == pytest.approx(1 / 4)
        assert last.album.pictures[:1] == first.album.pictures

    def test_photograph_that_fails_is_named_and_does_not_stop_the_others(
        self, photographs, sent, dot, uploads, watch
    ):
        (uploads / "note.png").write_text("no picture")
        album = [dot, photographs[0], str(uploads / "note.png")]
        *_, last = run_album(*arguments(album, sent[1]))
        assert (last.status.kind, last.status.headline) == ("done", "1 of 3 photos painted")
        assert last.status.detail.startswith("Not painted: dot: The content image is 1×1")
        assert " note: note.png " in last.status.detail
        with ZipFile(last.album.zip_file) as archive:
            assert archive.namelist() == ["dahlia-style-7.png"]

    def test_album_without_any_picture_has_failed_for_one_reason(self, sent, dot, watch):
        *_, last = run_album(*arguments([dot, dot], sent[1]))
        assert last.album == Album()
        assert last.status.kind == "failed"
        assert last.status.detail.startswith("dot, dot: The content image is 1×1")
        assert not albums_folder().exists()

    def test_closing_stops_the_network_and_keeps_the_zip(self, photographs, sent, watch):
        results = run_album(*arguments(photographs, sent[1]))
        for shown in results:
            if shown.album is not None and shown.album.pictures:
                break
        next(results)
        results.close()
        assert (watch.begun, watch.ended) == (1, 1)
        with ZipFile(shown.album.zip_file) as archive:
            assert archive.testzip() is None
            assert len(archive.namelist()) == 1

    def test_masks_and_start_picture_are_left_out_and_the_status_says_so(
        self, photographs, sent, uploads, watch
    ):
        mask = half_mask(uploads, "mask.png", photographs[0], upper=True)
        given = [photographs[:1], sent[1], mask, *knob_values(**SMALL), None, mask, None, mask]
        *shown, last = run_album(*given)
        assert {one.status.detail for one in shown} == {
            "Photo 1 of 1: dahlia · without masks and start picture"
        }
        *_, plain = run_album(*arguments(photographs[:1], sent[1]))
        first, second = (paths_of(one.album)[0] for one in (last, plain))
        assert Path(first).read_bytes() == Path(second).read_bytes()

    def test_heic_photograph_is_painted(self, sent, uploads, watch):
        path = uploads / "IMG_1.HEIC"
        path.write_bytes(heic(Image.new("RGB", (64, 64), "green")))
        *_, last = run_album(*arguments([str(path)], sent[1]))
        assert last.status.headline == "1 of 1 photos painted"


class TestChecks:
    def test_input_that_is_missing_or_wrong_is_named(self, photographs, sent, watch):
        assert album_fault(*arguments(photographs, sent[1])) is None
        for nothing in (None, []):
            assert refused(*arguments(nothing, sent[1]))[0] == "album"
        assert album_fault(*arguments(photographs, None))[0] == "style"
        assert album_fault(*arguments(photographs, sent[1], seed=-1))[0] == "seed"
        assert watch.looks == 0

    @pytest.mark.parametrize("path", ["/etc/passwd", "../../etc/passwd", "\0", ""])
    def test_file_that_was_not_uploaded_is_refused(self, photographs, sent, path):
        name, message = refused(*arguments([photographs[0], path], sent[1]))
        assert (name, message.split(";")[0]) == ("album", "album must be an uploaded picture file")
        assert album_line([path], "en", *knob_values()).startswith("album must be")

    def test_too_many_photographs_are_refused(self, photographs, sent, watch):
        most = albums.MOST_PHOTOGRAPHS
        assert album_fault(*arguments(photographs[:1] * most, sent[1])) is None
        name, message = refused(*arguments(photographs[:1] * (most + 1), sent[1]))
        assert name == "album"
        assert message.startswith("13 photos are chosen; at most 12")

    def test_album_that_takes_too_long_is_told_how_many_would_fit(
        self, photographs, sent, uploads, watch, monkeypatch
    ):
        write_json(uploads / "speed.json", {"nearest": 1e5, "gram": 1e5})
        given = arguments(photographs * 3, sent[1], iterations=100, size=512)
        seconds = album_seconds(*given) / 6
        monkeypatch.setenv(cost.MOST_MINUTES, f"{4.5 * seconds / 60}")
        name, message = refused(*given)
        assert name == "album"
        assert message.startswith("6 photos would take about ")
        assert message.endswith("With these settings 4 would fit.")
        assert album_fault(*arguments(photographs * 2, sent[1], iterations=100, size=512)) is None

    def test_zero_gpu_lends_no_more_than_two_minutes(self, photographs, sent, monkeypatch):
        monkeypatch.setenv("SPACES_ZERO_GPU", "true")
        given = arguments(photographs[:1] * 12, sent[1], iterations=100, size=512)
        reserved = gpu_seconds_of_album(*given)
        assert reserved > 120
        _, message = refused(*given)
        fitting = 120 // (reserved // 12)
        assert f"GPU for about {reserved} s; at most 120 s" in message
        assert message.endswith(f"{fitting} would fit.")

    def test_duration_of_wrong_settings_is_left_to_the_run(self, photographs, sent):
        given = arguments(photographs, sent[1], seed=-1)
        assert (album_seconds(*given), gpu_seconds_of_album(*given)) == (0.0, 1)


class TestPage:
    def test_refusal_opens_the_fold_and_changes_no_picture(self, columns, sent, watch):
        inputs, results = columns
        handler = refuse_faults(run_album, album_status, album_fault)
        (updates,) = album_handler(handler, *columns)(*arguments(None, sent[1]))
        fold = inputs.folds["album"]
        assert updates.keys() == {results.status, results.latest_run, inputs.stop, fold}
        assert 'data-field="album"' in updates[results.status]
        assert "Please check “Photos to paint”" in updates[results.status]
        assert updates[inputs.folds["album"]] == gr.update(open=True)

    def test_gallery_and_zip_appear_with_the_first_picture(self, columns, photographs, sent, watch):
        results = columns.results
        updates = [*album_handler(run_album, *columns)(*arguments(photographs, sent[1]))]
        assert updates[0].keys().isdisjoint((results.album, results.picture, results.actions))
        assert all(one[results.latest_run] is None for one in updates)
        last = updates[-1]
        assert last[results.picture] == gr.update(label="Previous result")
        assert last[results.actions] == gr.update(visible=False)
        kept = last[results.kept_album]
        pictures = [(path, "dahlia") for path in paths_of(kept)]
        assert last[results.album] == gr.update(value=pictures, visible=True)
        assert last[results.album_zip] == gr.update(value=kept.zip_file, visible=True)

    def test_deleted_result_leaves_album_and_zip(self, columns, photographs, sent, watch):
        results = columns.results
        *_, last = run_album(*arguments(photographs, sent[1]))
        first, second = last.album.pictures
        cleanup.delete_run(find_result(first[0]).run)
        updates = album_updates(last.album, results)
        left = Album((second,), last.album.zip_file)
        assert updates[results.kept_album] == left
        assert [name for _, name in updates[results.album]["value"]] == ["dahlia"]
        with ZipFile(left.zip_file) as archive:
            assert archive.namelist() == ["dahlia-style-7-2.png"]
            assert archive.read("dahlia-style-7-2.png") == Path(paths_of(left)[0]).read_bytes()
        cleanup.delete_run(find_result(second[0]).run)
        assert album_updates(left, results) == {
            results.album: gr.update(value=[], visible=False),
            results.album_zip: gr.update(value=None, visible=False),
            results.kept_album: Album(),
        }
        assert [*albums_folder().iterdir()] == []

    def test_line_tells_the_time_and_files_that_cannot_be_read(self, photographs, uploads):
        write_json(uploads / "speed.json", {"nearest": 1e5, "gram": 1e5})
        assert album_line(None, "en", *knob_values()) == ""
        line = album_line(photographs, "en", *knob_values())
        assert re.fullmatch(r"2 chosen: about \d+ s on this machine, plus the time in line\.", line)
        (uploads / "note.png").write_text("no picture")
        line = album_line([*photographs, str(uploads / "note.png")], "zh", *knob_values())
        assert line.startswith("已选 3 张")
        assert "note: note.png" in line


@pytest.mark.slow
@pytest.mark.browser
def test_two_photographs_are_painted_and_downloaded(ready, photographs, uploads, tmp_path, watch):
    chosen = [shutil.copy(path, tmp_path / f"photo-{k}.png") for k, path in enumerate(photographs)]
    open_fold(ready, "album")
    press(ready, "paint-album")
    expect(ready.locator("#status .failed")).to_contain_text("Choose photos here first")
    expect(ready.locator("#album-pictures, #album-zip")).to_have_count(0)
    ready.locator("#album input[type=file]").set_input_files(chosen)
    expect(ready.locator("#album-line")).to_contain_text("2 chosen: about")
    press(ready, "paint-album")
    expect(ready.locator("#status .done")).to_contain_text("2 of 2 photos painted")
    thumbnails = ready.locator("#album-pictures .thumbnail-item")
    expect(thumbnails).to_have_count(2)
    expect(ready.locator("#stylize")).to_be_visible()
    with ready.expect_download() as download:
        ready.locator("#album-zip a[download]").click()
    names = [f"photo-{k}-style-0.png" for k in (0, 1)]
    with ZipFile(download.value.path()) as archive:
        assert archive.namelist() == names
    expect(ready.locator("#earlier .thumbnail-item")).to_have_count(2)
    thumbnails.nth(1).click()
    expect(ready.locator("#status .done")).to_contain_text("12 steps · 64×96")
    expect(ready.locator("#content img")).to_have_attribute("src", re.compile("photo-1"))
    expect(ready.locator("#earlier .thumbnail-item")).to_have_count(2)
    address = ready.locator("#result img").get_attribute("src")
    assert Image.open(io.BytesIO(httpx.get(address).content)).size == (64, 96)
    delete(ready, "forget-shown")
    expect(thumbnails).to_have_count(1)
    with ready.expect_download() as download:
        ready.locator("#album-zip a[download]").click()
    with ZipFile(download.value.path()) as archive:
        assert archive.namelist() == names[:1]
    delete(ready, "forget")
    expect(ready.locator("#status")).to_contain_text("Deleted, with the links")
    expect(ready.locator("#album-pictures, #album-zip, #earlier")).to_have_count(0)
