"""`python -m tests.web.snapshot`: writes down what the API is, after a change made on purpose."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx

from neural_style.messages import Message
from neural_style.web.page.build import build_page
from neural_style.web.run.cost import SpeedMeasurement
from neural_style.web.run.gate import Gate
from neural_style.web.serve import serve
from tests.web.conftest import free_port, lent_gpu

FILE = Path(__file__).with_name("api.json")


def served(url: str) -> dict[str, Any]:
    """What the page at that address tells programs of its API; not Gradio's examples of calls."""
    info = httpx.get(f"{url}gradio_api/info", timeout=30).raise_for_status().json()
    for endpoint in info["named_endpoints"].values():
        del endpoint["code_snippets"]
    return info


def written(info: dict[str, Any]) -> str:
    """As it stands in the file."""
    return json.dumps(info, indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Serves the page for a moment, and writes the file anew."""
    gate = Gate()
    page = build_page(lent_gpu, Message("hub.cached"), SpeedMeasurement(), gate)
    _, url, _ = serve(
        page,
        gate,
        prevent_thread_lock=True,
        quiet=True,
        server_name="127.0.0.1",
        server_port=free_port(),
    )
    try:
        FILE.write_text(written(served(url)))
    finally:
        page.close(verbose=False)


if __name__ == "__main__":
    main()
