"""The API, as programs use it: through gradio_client, and by plain HTTP."""

from __future__ import annotations

import base64
import hashlib
import io
import math
import re
from collections.abc import Callable
from difflib import unified_diff
from pathlib import Path

import httpx
import numpy as np
import pytest
import torch
from gradio_client import handle_file
from gradio_client.exceptions import AppError, ValidationError
from PIL import Image

from neural_style import Settings, load_image, save_image
from neural_style.settings.knob import write_knob
from neural_style.settings.settings import knobs
from tests.conftest import picture
from tests.web.snapshot import FILE, served, written
from tests.web.test_handlers import BAD, KNOBS, MORE, PICTURES

SMALL = {"iterations": 4, "size": 64}


def named(pictures, **changes) -> dict:
    """The arguments of a call."""
    content, style = pictures
    given = {"content": handle_file(content), "style": handle_file(style)}
    return given | SMALL | changes | {"api_name": "/stylize"}


class TestContract:
    """What programs written last year rely on."""

    @pytest.mark.parametrize("name", ["/stylize", "/stylize_image"])
    def test_its_parameters_are_the_pictures_and_the_knobs(self, name, raw):
        endpoint = raw.http.get("info").json()["named_endpoints"][name]
        parameters = {one["parameter_name"]: one for one in endpoint["parameters"]}
        assert [*parameters] == [*PICTURES, *KNOBS, *MORE]
        for name in KNOBS:
            default = write_knob(knobs()[name], knobs()[name].default)
            assert parameters[name]["parameter_has_default"]
            assert parameters[name]["parameter_default"] == default
            choices = knobs()[name].metadata["choices"]
            assert parameters[name]["type"].get("enum", []) == [*choices]
        required = [n for n, one in parameters.items() if not one["parameter_has_default"]]
        assert required == ["content", "style"]
        for name in ("init_image", *MORE[:-1]):
            assert parameters[name]["parameter_default"] is None
        assert parameters["language"]["parameter_default"] == "en"

    def test_nothing_of_it_has_changed_unawares(self, url):
        """Every name, type, default, range and word of it, as it is served."""
        now, then = written(served(url)).splitlines(), FILE.read_text().splitlines()
        changes = [*unified_diff(then, now, "tests/web/api.json", "as served now", "", "", 2, "")]
        assert not changes, "\n".join(
            [
                "The API is not what it was; programs written for it may break:",
                *changes[:60],
                "If that is meant: make docs, and say so in CHANGELOG.md.",
            ]
        )

    def test_the_page_is_the_one_asked_for(self, url):
        assert "vgg19 weights: a note for tests" in httpx.get(f"{url}config").text


class TestRun:
    def test_results_come_while_it_runs(self, new_client, pictures, watch):
        watch.seconds_per_look = 0.2
        job = new_client(download_files=False).submit(**named(pictures, iterations=500))
        coming = iter(job)
        assert [len(next(coming)[1]) for _ in range(5)] == [0, 0, 1, 2, 3]
        # Two lines before the first look, then at most a frame for each.
        assert 5 <= len(job.outputs()) <= watch.looks + 2 < 20
        assert not job.done()
        job.cancel()

    def test_the_last_result_is_a_png_of_full_size(self, client, pictures, watch):
        result, gallery, status, _ = client.predict(**named(pictures, iterations=12, size=128))
        with Image.open(result) as image:
            image.load()
            assert (image.format, image.size) == ("PNG", (128, 85))
        assert [Path(item["image"]).suffix for item in gallery] == [".png"] * 6
        assert all(re.fullmatch(r"\d+ · loss [\d.e-]+", item["caption"]) for item in gallery)
        assert [int(item["caption"].split()[0]) for item in gallery] == [0, 1, 2, 5, 10, 12]
        assert status.startswith("**Done:** 12 iterations")

    def test_every_setting_may_be_left_out(self, client, pictures, watch):
        watch.seconds_per_look = 0.8
        content, style = (handle_file(path) for path in pictures)
        job = client.submit(content, style, api_name="/stylize")
        coming = iter(job)
        next(coming), next(coming)
        preview, _, status, _ = next(coming)
        assert status.startswith(f"**Iteration 0 of {Settings().iterations}**")
        assert load_image(preview).shape == (1, 3, 43, 64)
        with watch.stopping():
            job.cancel()

    def test_every_setting_may_be_given(self, client, pictures):
        usual = {name: write_knob(knobs()[name], knobs()[name].default) for name in KNOBS}
        given = usual | SMALL | {"init": "content"}
        _, gallery, *_ = client.predict(**named(pictures, **given, init_image=None))
        assert len(gallery) == 4

    def test_a_start_image_may_be_given(self, client, pictures, tmp_path):
        start = save_image(picture(64, 96, seed=5), tmp_path / "start.png")
        call = named(pictures, init_image=handle_file(str(start)), noise_ratio=0.0)
        call |= {"size": 96, "scales": 1}
        _, gallery, *_ = client.predict(**call)
        assert torch.allclose(load_image(gallery[0]["image"]), load_image(start), atol=0.51 / 255)

    def test_the_seed_decides(self, client, pictures):
        def digest(seed):
            result, *_ = client.predict(**named(pictures, init="noise", seed=seed))
            return hashlib.sha256(Path(result).read_bytes()).hexdigest()

        assert digest(3) == digest(3) != digest(4)

    def test_cancel_stops_the_network(self, client, pictures, watch):
        watch.seconds_per_look = 0.8
        job = client.submit(**named(pictures, iterations=500))
        watch.wait(looks=5)
        with watch.stopping():
            job.cancel()
        watch.seconds_per_look = 0
        assert client.predict(**named(pictures))[0].endswith(".png")

    def test_a_caller_who_goes_away_stops_the_network(self, raw, watch):
        watch.seconds_per_look = 0.8
        event = raw.post(raw.good | {"iterations": 500}).json()["event_id"]
        with raw.http.stream("GET", f"call/stylize/{event}") as events:
            lines = events.iter_lines()
            assert next(lines) == "event: generating"
            watch.wait(looks=5)
            with watch.stopping():
                events.close()

    def test_two_callers_get_their_own_pictures(self, new_client, pictures, watch):
        watch.seconds_per_look = 0.03
        # The larger one begins at half its size.
        sizes = {64: {(43, 64)}, 96: {(32, 48), (64, 96)}}
        jobs = {size: new_client().submit(**named(pictures, size=size)) for size in sizes}
        for size, job in jobs.items():
            result, gallery, *_ = job.result(timeout=30)
            paths = (result, *(item["image"] for item in gallery))
            assert {load_image(path).shape[-2:] for path in paths} == sizes[size]
            assert load_image(result).shape[-1] == size

    def test_a_picture_may_come_inline_and_loses_nothing(self, raw, uploads):
        levels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
        encoded = io.BytesIO()
        Image.fromarray(levels).save(encoded, "PNG")
        inline = "data:image/png;base64," + base64.b64encode(encoded.getvalue()).decode()
        run = {"init": "content", "noise_ratio": 0.0}
        assert raw.call(content={"path": "", "url": inline}, **run) == ""
        (first,) = uploads.glob("runs/*/stylized-000000.png")
        assert np.array_equal(np.asarray(Image.open(first)), levels)


class TestRefusals:
    """Bad values are answered with words, and the page goes on serving."""

    def test_by_plain_http_every_bad_value_is_refused_by_name(self, raw, watch):
        for name, bad in BAD.items():
            for value in bad:
                said = raw.call(**{name: value})
                assert name in said, f"{name}={value!r}: {said!r}"
        assert watch.looks == 0
        assert raw.call() == ""

    @pytest.mark.slow
    def test_the_client_raises_them_by_name(self, client, pictures, watch):
        for name, bad in BAD.items():
            for value in bad:
                if isinstance(value, float) and not math.isfinite(value):
                    continue  # the client's own JSON does not hold it
                with pytest.raises(ValidationError, match=f"- {name}: .*{name}"):
                    client.predict(**named(pictures, **{name: value}))
        assert watch.looks == 0
        assert client.predict(**named(pictures))[0].endswith(".png")

    def test_what_is_missing_or_unknown_is_named(self, raw, client, pictures, watch):
        assert "argument: content. This endpoint takes content, style, init_image" in raw.call(
            "content"
        )
        assert "argument: style." in raw.call("style")
        for host in ("network_weights", "device", "precision", "nonsense"):
            assert f"`{host}` is not a valid" in raw.call(**{host: "cpu"})
            with pytest.raises(TypeError, match=host):
                client.predict(**named(pictures, **{host: "cpu"}))
        assert "Choose a content image" in raw.call(content=None)
        assert "Choose a style image" in raw.call(style={})
        assert watch.looks == 0
        assert raw.call() == ""

    def test_several_faults_are_told_at_once(self, raw):
        said = raw.call(content=None, iterations=0, color="mine")
        assert "content image" in said
        assert "iterations must be" in said
        assert "color must be one of" in said

    def test_files_of_the_server_are_not_read(self, raw, watch, tmp_path):
        private = save_image(picture(64, 64), tmp_path / "private.png")
        meta = {"meta": {"_type": "gradio.FileData"}}
        for path in (str(private), "/etc/passwd", "pyproject.toml", "http://127.0.0.1:9/a.png"):
            for name in PICTURES:
                assert f"{name} must be an uploaded picture" in raw.call(**{name: {"path": path}})
                assert raw.call(**{name: {"path": path} | meta})
                assert raw.call(**{name: path})
        assert watch.looks == 0
        assert raw.call() == ""

    def test_what_is_no_picture_at_all_is_refused(self, raw, watch):
        for value in (5, [1], "a.png", True, {"path": 7}, {"path": "", "url": "data:,!"}):
            for name in PICTURES:
                assert raw.call(**{name: value})
        assert watch.looks == 0
        assert raw.call() == ""

    def test_what_a_run_keeps_for_itself_is_served_to_nobody(self, raw, uploads):
        assert raw.call() == ""
        (picture_,) = uploads.glob("runs/*/stylized-000002.png")
        assert raw.http.get(f"file={picture_}").is_success
        kept = [path for path in (uploads / "shut").rglob("*") if path.is_file()]
        assert {path.name for path in kept} == {"call.json", "end.json", "state.pt"}
        for path in kept:
            assert raw.http.get(f"file={path}").status_code == 403

    def test_a_file_too_large_is_not_taken(self, raw):
        answer = raw.http.post("upload", files={"files": ("a.png", bytes(32_000_000))})
        assert answer.status_code == 413
        assert "exceeded the maximum allowed size" in answer.text or "File size" in answer.text

    def test_a_picture_too_large_may_not_come_inline_either(self, raw, uploads):
        before = sum(1 for _ in uploads.rglob("*"))
        inline = "data:image/png;base64," + "A" * 40_000_001
        assert "at most 30 MB" in raw.call(content={"path": "", "url": inline})
        assert sum(1 for _ in uploads.rglob("*")) == before

    def test_the_queue_cannot_be_passed_by(self, raw, watch):
        data = {"data": [raw.good["content"], raw.good["style"], None]}
        for way in ("run/stylize", "api/stylize"):
            assert raw.http.post(way, json=data).status_code == 404
        assert watch.looks == 0


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def turned(image: Image.Image) -> bytes:
    """A photograph taken with the camera on its side."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(image.transpose(Image.Transpose.ROTATE_90), "JPEG", quality=95, exif=exif)


def sixteen_bits(image: Image.Image) -> bytes:
    gray = np.asarray(image.convert("L")).astype(np.uint16) * 257
    return encoded(Image.fromarray(gray), "PNG")


BROKEN: dict[str, tuple[Callable[[Image.Image], bytes], str]] = {
    "text.png": (lambda _: b"no picture", "text.png is not a picture that can be read here. Use"),
    "empty.png": (lambda _: b"", r"empty.png is empty \(0 bytes\)"),
    "cut.jpg": (
        lambda image: encoded(image.resize((640, 640)), "JPEG")[:5000],
        "cut.jpg is damaged or cut short.*upload it again",
    ),
    "small.png": (
        lambda image: encoded(image.resize((9, 9)), "PNG"),
        "content image is 9×9; the network needs 32 pixels a side. Use a larger one",
    ),
    "drawing.svg": (
        lambda _: b'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"/>',
        "drawing.svg is not a picture that can be read here. Use PNG",
    ),
}
READ: dict[str, tuple[Callable[[Image.Image], bytes], Callable[[Image.Image], Image.Image]]] = {
    "16-bit.png": (sixteen_bits, lambda image: image.convert("L").convert("RGB")),
    "cmyk.jpg": (
        lambda image: encoded(image.convert("CMYK"), "JPEG", quality=95),
        lambda image: image,
    ),
    "rgba.png": (
        lambda image: encoded(Image.merge("RGBA", (*image.split(), image.getchannel("R"))), "PNG"),
        lambda image: Image.composite(
            image, Image.new("RGB", image.size, "white"), image.getchannel("R")
        ),
    ),
    "palette.gif": (
        lambda image: encoded(image.quantize(256), "GIF"),
        lambda image: image.quantize(256).convert("RGB"),
    ),
    "photograph.jpg": (turned, lambda image: image),
}


@pytest.fixture
def scene() -> Image.Image:
    levels = picture(96, 64, seed=3)[0].permute(1, 2, 0).mul(255).round().to(torch.uint8)
    return Image.fromarray(levels.numpy())


class TestPictures:
    @pytest.mark.parametrize("name", BROKEN)
    def test_one_that_cannot_be_used_is_refused_in_words(
        self, name, scene, client, pictures, tmp_path, watch
    ):
        make, words = BROKEN[name]
        path = tmp_path / name
        path.write_bytes(make(scene))
        with pytest.raises(AppError, match=words) as error:
            client.predict(**named((str(path), pictures[1])))
        assert error.value.title == "That did not work"
        assert watch.looks == 0
        assert client.predict(**named(pictures))[0].endswith(".png")

    @pytest.mark.parametrize("name", READ)
    def test_an_unusual_one_is_read_right(self, name, scene, client, pictures, tmp_path):
        make, expect = READ[name]
        path = tmp_path / name
        path.write_bytes(make(scene))
        call = named((str(path), pictures[1]), init="content", noise_ratio=0.0)
        call |= {"size": 96, "scales": 1}
        _, gallery, *_ = client.predict(**call)
        with Image.open(gallery[0]["image"]) as first:
            seen = np.asarray(first).astype(float)
        expected = np.asarray(expect(scene)).astype(float)
        assert seen.shape == expected.shape
        assert np.abs(seen - expected).mean() < 6
