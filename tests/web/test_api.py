"""The API as programs use it: through gradio_client, and by plain HTTP."""

from __future__ import annotations

import base64
import hashlib
import io
import math
import re
import time
from difflib import unified_diff
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import torch
from gradio_client import handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from neural_style import Settings, load_image, save_image
from neural_style.settings.knob import write_knob
from neural_style.settings.settings import knobs
from neural_style.web.run import adapters
from tests.conftest import picture
from tests.web.snapshot import FILE, served, written
from tests.web.stylize_calls import (
    AFTER_KNOBS,
    KNOBS,
    PARAMETERS,
)

SMALL = {"iterations": 4, "size": 64}


def named(pictures, **changes) -> dict:
    """The arguments of a small call by gradio_client."""
    content, style = pictures
    given = {"content": handle_file(content), "style": handle_file(style)}
    return given | SMALL | changes | {"api_name": "/stylize"}


class TestContract:
    """The public description of the API, on which programs rely."""

    @pytest.mark.parametrize("name", ["/stylize", "/stylize_image"])
    def test_parameters_are_pictures_and_settings(self, name, raw):
        endpoint = raw.http.get("info").json()["named_endpoints"][name]
        parameters = {one["parameter_name"]: one for one in endpoint["parameters"]}
        assert [*parameters] == PARAMETERS
        for name in KNOBS:
            default = write_knob(knobs()[name], knobs()[name].default)
            assert parameters[name]["parameter_has_default"]
            assert parameters[name]["parameter_default"] == default
            choices = knobs()[name].metadata["choices"]
            assert parameters[name]["type"].get("enum", []) == [*choices]
        required = [n for n, one in parameters.items() if not one["parameter_has_default"]]
        assert required == ["content", "style"]
        for name in ("init_image", *AFTER_KNOBS[:-1]):
            assert parameters[name]["parameter_default"] is None
        assert parameters["language"]["parameter_default"] == "en"

    def test_description_equals_the_recorded_one(self, url):
        """Every name, type, default, range and text, as it is served."""
        served_now, recorded = written(served(url)).splitlines(), FILE.read_text().splitlines()
        changes = unified_diff(recorded, served_now, str(FILE), "served now", n=2, lineterm="")
        message = "\n".join(
            [
                "The API differs from the recorded one; programs written for it may break:",
                *islice(changes, 60),
                "If that is intended: make docs, and note it in CHANGELOG.md.",
            ]
        )
        assert served_now == recorded, message

    def test_page_shows_the_source_of_the_weights(self, url):
        assert "vgg19 weights: a note for tests" in httpx.get(f"{url}config").text


class TestRun:
    def test_results_are_sent_during_the_run(self, new_client, pictures, watch):
        watch.seconds_per_look = 0.2
        job = new_client(download_files=False).submit(**named(pictures, iterations=500))
        results = iter(job)
        assert [len(next(results)[1]) for _ in range(5)] == [0, 0, 1, 2, 3]
        # Two statuses before the first evaluation of the network, then at most one for each.
        assert 5 <= len(job.outputs()) <= watch.looks + 2 < 20
        assert not job.done()
        job.cancel()

    def test_last_result_is_a_png_of_full_size(self, client, pictures, watch):
        result, gallery, status, _ = client.predict(**named(pictures, iterations=12, size=128))
        with Image.open(result) as image:
            image.load()
            assert (image.format, image.size) == ("PNG", (128, 85))
        assert [Path(item["image"]).suffix for item in gallery] == [".png"] * 6
        captions = [item["caption"] for item in gallery]
        assert captions == ["start", *(f"step {number}" for number in (1, 2, 5, 10, 12))]
        assert re.match(r"Done in \d+ s · 12 steps · 128×85 · content ", status)
        assert status.endswith(" · vgg19 weights: tiny, for tests")

    def test_every_setting_can_be_omitted(self, client, pictures, watch):
        watch.seconds_per_look = 0.8
        content, style = (handle_file(path) for path in pictures)
        job = client.submit(content, style, api_name="/stylize")
        results = iter(job)
        next(results), next(results)
        preview, _, status, _ = next(results)
        assert f" · step 0 of {Settings().iterations} · " in status
        assert load_image(preview).shape == (1, 3, 43, 64)
        with watch.stopping():
            job.cancel()

    def test_every_setting_can_be_given(self, client, pictures):
        defaults = {name: write_knob(knobs()[name], knobs()[name].default) for name in KNOBS}
        given = defaults | SMALL | {"init": "content"}
        _, gallery, *_ = client.predict(**named(pictures, **given, init_image=None))
        assert len(gallery) == 4

    def test_start_image_can_be_given(self, client, pictures, tmp_path):
        start = save_image(picture(64, 96, seed=5), tmp_path / "start.png")
        call = named(pictures, init_image=handle_file(str(start)), noise_ratio=0.0)
        call |= {"size": 96, "scales": 1}
        _, gallery, *_ = client.predict(**call)
        assert torch.allclose(load_image(gallery[0]["image"]), load_image(start), atol=0.51 / 255)

    def test_seed_determines_the_result(self, client, pictures):
        def made(seed):
            result, *_ = client.predict(**named(pictures, init="noise", seed=seed))
            with Image.open(result) as picture:
                return picture.text, hashlib.sha256(picture.tobytes()).hexdigest()

        assert made(3) == made(3) != made(4)

    def test_cancel_stops_the_network(self, client, pictures, watch):
        watch.seconds_per_look = 0.8
        job = client.submit(**named(pictures, iterations=500))
        watch.wait(looks=5)
        with watch.stopping():
            job.cancel()
        watch.seconds_per_look = 0
        assert client.predict(**named(pictures))[0].endswith(".png")

    @pytest.mark.slow
    def test_closed_connection_stops_the_network(self, raw, watch):
        watch.seconds_per_look = 0.8
        event = raw.post(raw.good | {"iterations": 500}).json()["event_id"]
        with raw.http.stream("GET", f"call/stylize/{event}") as events:
            lines = events.iter_lines()
            assert next(lines) == "event: generating"
            watch.wait(looks=5)
            with watch.stopping():
                events.close()

    def test_call_that_nobody_listens_to_ends(self, raw, watch, monkeypatch):
        monkeypatch.setattr("neural_style.web.run.gate._UNHEARD_SECONDS", 1.0)
        watch.seconds_per_look = 0.05
        assert raw.post(raw.good | {"iterations": 2000}).is_success
        watch.wait(ended=1)
        assert watch.looks < 2000

    def test_address_that_a_stranger_claims_is_not_believed(self, raw, monkeypatch):
        seen, visitor_of = [], adapters.visitor_of

        def remember(request: Any) -> Any:
            seen.append(visitor_of(request))
            return seen[-1]

        monkeypatch.setattr(adapters, "visitor_of", remember)
        raw.http.headers["X-Forwarded-For"] = "9.9.9.9"
        raw.call()
        assert [visitor.address for visitor in seen] == ["127.0.0.1"]

    def test_third_call_of_a_session_is_refused(self, client, pictures, watch):
        watch.allow(2)
        content, style = map(handle_file, pictures)
        calls = [
            client.submit(content, style, iterations=2, size=64, api_name="/stylize")
            for _ in range(3)
        ]
        deadline = time.monotonic() + 30
        while not any(call.done() for call in calls) and time.monotonic() < deadline:
            time.sleep(0.05)
        (refused,) = (call for call in calls if call.done())
        with pytest.raises(AppError, match="You have 2 runs here already"):
            refused.result()

    def test_simultaneous_calls_get_their_own_pictures(self, new_client, pictures, watch):
        watch.seconds_per_look = 0.03
        # The larger one has a first pass at half its size.
        sizes = {64: {(43, 64)}, 96: {(32, 48), (64, 96)}}
        jobs = {size: new_client().submit(**named(pictures, size=size)) for size in sizes}
        for size, job in jobs.items():
            result, gallery, *_ = job.result(timeout=30)
            paths = (result, *(item["image"] for item in gallery))
            assert {load_image(path).shape[-2:] for path in paths} == sizes[size]
            assert load_image(result).shape[-1] == size

    def test_waiting_call_reports_its_place_in_line(self, new_client, pictures, watch):
        watch.allow(1)
        first = new_client().submit(**named(pictures, iterations=500))
        watch.wait(looks=1)
        second = new_client().submit(**named(pictures))
        picture_, gallery, status, _ = next(iter(second))
        assert (picture_, gallery) == (None, [])
        assert re.match(r"In line: 1 ahead of you · about \d", status)
        third = iter(new_client().submit(**named(pictures)))
        assert next(third)[2].startswith("In line: 2 ahead of you · about ")
        second.cancel()
        places = (status for _, _, status, _ in third)
        assert any(status.startswith("In line: 1 ahead of you · about ") for status in places)
        watch.allow(math.inf)
        first.cancel()
        assert [status for _, _, status, _ in third][-1].startswith("Done in ")

    def test_inline_picture_is_read_losslessly(self, raw, uploads):
        levels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
        encoded = io.BytesIO()
        Image.fromarray(levels).save(encoded, "PNG")
        inline = "data:image/png;base64," + base64.b64encode(encoded.getvalue()).decode()
        run = {"init": "content", "noise_ratio": 0.0}
        assert raw.call(content={"path": "", "url": inline}, **run) == ""
        (first,) = uploads.glob("runs/*/stylized-000000-*.png")
        assert np.array_equal(np.asarray(Image.open(first)), levels)
