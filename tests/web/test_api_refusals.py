"""Invalid requests to the API, by gradio_client and by plain HTTP."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from gradio_client.exceptions import ValidationError

from neural_style import save_image
from tests.conftest import picture
from tests.web.stylize_calls import (
    FIRST_PICTURES,
    INVALID_VALUES,
)
from tests.web.test_api import named


class TestRefusals:
    """Invalid requests get an error that names the input, and the server goes on."""

    def test_invalid_values_are_refused_by_name_over_http(self, raw, watch):
        for name, values in INVALID_VALUES.items():
            for value in values:
                message = raw.call(**{name: value})
                assert name in message, f"{name}={value!r}: {message!r}"
        assert watch.looks == 0
        assert raw.call() == ""

    @pytest.mark.slow
    def test_invalid_values_are_refused_by_name_in_the_client(self, client, pictures, watch):
        for name, values in INVALID_VALUES.items():
            for value in values:
                if isinstance(value, float) and not math.isfinite(value):
                    continue  # the client cannot encode it as JSON
                with pytest.raises(ValidationError, match=f"- {name}: .*{name}"):
                    client.predict(**named(pictures, **{name: value}))
        assert watch.looks == 0
        assert client.predict(**named(pictures))[0].endswith(".png")

    def test_missing_and_unknown_parameters_are_named(self, raw, client, pictures, watch):
        assert "argument: content. This endpoint takes content, style, init_image" in raw.call(
            "content"
        )
        assert "argument: style." in raw.call("style")
        for host in ("network_weights", "device", "precision", "nonsense"):
            assert f"`{host}` is not a valid" in raw.call(**{host: "cpu"})
            with pytest.raises(TypeError, match=host):
                client.predict(**named(pictures, **{host: "cpu"}))
        assert "Choose a photo" in raw.call(content=None)
        assert "Choose a painting" in raw.call(style={})
        assert watch.looks == 0
        assert raw.call() == ""

    def test_all_faults_of_a_request_are_reported_together(self, raw):
        message = raw.call(content=None, iterations=0, color="mine")
        assert "Choose a photo" in message
        assert "iterations must be" in message
        assert "color must be one of" in message

    def test_files_of_the_server_are_not_read(self, raw, watch, tmp_path):
        private = save_image(picture(64, 64), tmp_path / "private.png")
        meta = {"meta": {"_type": "gradio.FileData"}}
        for path in (str(private), "/etc/passwd", "pyproject.toml", "http://127.0.0.1:9/a.png"):
            for name in FIRST_PICTURES:
                assert f"{name} must be an uploaded picture" in raw.call(**{name: {"path": path}})
                assert raw.call(**{name: {"path": path} | meta})
                assert raw.call(**{name: path})
        assert watch.looks == 0
        assert raw.call() == ""

    def test_values_that_are_no_pictures_are_refused(self, raw, watch):
        for value in (5, [1], "a.png", True, {"path": 7}, {"path": "", "url": "data:,!"}):
            for name in FIRST_PICTURES:
                assert raw.call(**{name: value})
        assert watch.looks == 0
        assert raw.call() == ""

    def test_private_files_of_a_run_are_not_served(self, raw, uploads):
        assert raw.call() == ""
        (result,) = uploads.glob("runs/*/stylized-000002-*.png")
        assert raw.http.get(f"file={result}").is_success
        private = [path for path in (uploads / "shut").rglob("*") if path.is_file()]
        names = {"call.json", "end.json", "state.pt", "film-000000.jpg", "film-000001.jpg"}
        assert {path.name for path in private} == names
        for path in private:
            assert raw.http.get(f"file={path}").status_code == 403

    @pytest.mark.parametrize("number", [-1, 10**9, 10**30])
    def test_functions_that_do_not_exist_are_refused(self, raw, number):
        body = {"fn_index": number, "data": [], "session_hash": "a"}
        answer = raw.http.post("queue/join", json=body)
        assert answer.is_client_error, answer.text

    def test_endpoints_that_do_not_exist_are_refused(self, raw):
        answer = raw.http.post("call/nope", json={"data": []})
        assert (answer.status_code, answer.json()["detail"]) == (400, "This request is not valid.")

    @pytest.mark.parametrize(
        "body",
        [
            *(b"", b"{", b"null", b"[]", b"3", b"\xff", b"{}", b'{"data": NaN}', b'{"data": "a"}'),
            b"[" * 100_000 + b"]" * 100_000,
            b'{"data": [' + b"9" * 5000 + b"]}",
            *(b'{"data": [], "fn_index": ' + n + b"}" for n in (b'"0"', b"1e30", b"null", b"[]")),
            b'{"data": [], "fn_index": 0, "session_hash": {"a": 1}}',
            b'{"data": [], "fn_index": 0, "session_hash": "' + b"s" * 100_000 + b'"}',
            b'{"data": [], "fn_index": 0, "event_data": {"index": "x"}, "session_hash": "s"}',
        ],
    )
    def test_malformed_bodies_are_refused_everywhere(self, raw, uploads, body):
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
        }
        for path in ("queue/join", "call/stylize", "call/v2/stylize", "run/predict", "mcp/"):
            answer = raw.http.post(path, content=body, headers=headers)
            assert answer.status_code < 500, (path, answer.text)
            for leak in ("Traceback", "site-packages", str(uploads), str(Path.cwd())):
                assert leak not in answer.text

    def test_answers_do_not_tell_paths_of_the_server(self, raw, uploads):
        for path in ("/etc/passwd", ".env", "~/x", "", f"{uploads}/shut", str(uploads)):
            said = raw.call(content={"path": path, "meta": {"_type": "gradio.FileData"}})
            assert said, path
            assert str(uploads) not in said
            assert str(Path.cwd()) not in said

    def test_deep_links_which_would_store_a_session_are_closed(self, raw, uploads):
        assert raw.http.get("deep_link?session_hash=a").status_code == 404
        assert not (uploads / "deep_links").exists()

    def test_upload_that_is_too_large_is_refused(self, raw):
        response = raw.http.post("upload", files={"files": ("a.png", bytes(32_000_000))})
        assert response.status_code == 413
        assert "exceeded the maximum allowed size" in response.text or "File size" in response.text

    def test_inline_picture_that_is_too_large_is_refused(self, raw, uploads):
        before = sum(1 for _ in uploads.rglob("*"))
        inline = "data:image/png;base64," + "A" * 40_000_001
        assert "at most 30 MB" in raw.call(content={"path": "", "url": inline})
        assert sum(1 for _ in uploads.rglob("*")) == before

    def test_endpoints_without_the_queue_are_closed(self, raw, watch):
        data = {"data": [raw.good["content"], raw.good["style"], None]}
        for path in ("run/stylize", "api/stylize"):
            assert raw.http.post(path, json=data).status_code == 404
        assert watch.looks == 0
