"""The API by plain HTTP."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx


class RawApi:
    """The API by plain HTTP, past the page and the client, with whatever values one likes."""

    def __init__(self, url: str, pictures: tuple[str, str]) -> None:
        self.http = httpx.Client(base_url=f"{url}gradio_api/", timeout=30)
        self.good = {
            "content": self.upload(Path(pictures[0])),
            "style": self.upload(Path(pictures[1])),
            "iterations": 2,
            "size": 64,
        }

    def upload(self, path: Path) -> dict[str, Any]:
        answer = self.http.post("upload", files={"files": (path.name, path.read_bytes())})
        return {"path": answer.json()[0], "meta": {"_type": "gradio.FileData"}}

    def post(self, values: dict[str, Any]) -> httpx.Response:
        kind = {"Content-Type": "application/json"}
        return self.http.post("call/v2/stylize", content=json.dumps(values), headers=kind)

    def call(self, *without: str, **changes: Any) -> str:
        """Refused at the door or while it ran: what was said. Otherwise an empty string."""
        values = {k: v for k, v in (self.good | changes).items() if k not in without}
        answer = self.post(values)
        if answer.is_success:
            events = self.http.get(f"call/stylize/{answer.json()['event_id']}").text
            event, data = events.strip().split("\n\n")[-1].split("\n")
            return (
                ""
                if event == "event: complete"
                else json.loads(data.removeprefix("data: "))["error"]
            )
        assert answer.is_client_error, answer.text
        detail = answer.json()["detail"]
        if isinstance(detail, str):
            return detail
        return " ".join(one["message"] for one in detail if not one["is_valid"])
