"""Measures batches of small pictures against a bare loop; prints JSON.

`python -m benchmarks.many_pictures STYLE`: rows per minute of a bare loop of `stylize` with and
without `Reuse`, of the command `batch` in this process, and on 1 and 2 workers of Ray; and the
seconds from the start of the command to the first result. Loops alternate with the command.
"""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from neural_style import Reuse, Settings, load_image, save_image, stylize
from neural_style.cli import main as shell

ROWS = 12
ROUNDS = 3
EXAMPLES = Path(__file__).parents[1] / "examples" / "content"
SETTINGS = {"size": 192, "iterations": 10, "network_weights": "packaged"}
FLAGS = [f"--{name.replace('_', '-')}={value}" for name, value in SETTINGS.items()]


def main() -> None:
    style = sys.argv[1]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        contents = copies(folder)
        bare(contents[:1], style, folder, Reuse())  # compiles and fills caches
        seconds: dict[str, list[float]] = {"bare": [], "reused": [], "batch": []}
        for k in range(ROUNDS):
            seconds["bare"].append(bare(contents, style, folder, None))
            seconds["reused"].append(bare(contents, style, folder, Reuse()))
            seconds["batch"].append(batch(contents, style, folder / f"out{k}"))
        found = {name: ROWS * 60 / min(all_rounds) for name, all_rounds in seconds.items()}
        starts = {}
        for name, flags in {
            "process": [],
            "ray 1": ["--address=local", "--workers=1"],
            "ray 2": ["--address=local", "--workers=2"],
        }.items():
            starts[name], found[name] = command(contents, style, folder / name, flags)
    print(json.dumps({"rows per minute": found, "seconds to the first": starts}))


def copies(folder: Path) -> list[str]:
    """Content images under names of their own."""
    examples = sorted(EXAMPLES.glob("*.jpg"))
    paths = []
    for k in range(ROWS):
        path = folder / f"{k}.jpg"
        path.write_bytes(examples[k % len(examples)].read_bytes())
        paths.append(str(path))
    return paths


def bare(contents: list[str], style: str, folder: Path, reuse: Reuse | None) -> float:
    """Seconds of a loop without a ledger, progress or checks."""
    started = time.perf_counter()
    painting = load_image(style)
    for path in contents:
        *_, frame = stylize(load_image(path), painting, Settings(**SETTINGS), reuse=reuse)
        save_image(frame.image, folder / "bare.png", frame.recipe)
    return time.perf_counter() - started


def batch(contents: list[str], style: str, output: Path) -> float:
    """Seconds of the command in this process."""
    started = time.perf_counter()
    with contextlib.redirect_stderr(io.StringIO()):
        code = shell(["batch", "--content", *contents, "--style", style, "-o", str(output), *FLAGS])
    assert code == 0
    return time.perf_counter() - started


def command(contents: list[str], style: str, output: Path, flags: list[str]) -> tuple[float, float]:
    """Seconds from the start of a new process to the first result; rows per minute after it."""
    words = [sys.executable, "-m", "neural_style", "batch", "--content", *contents]
    words += ["--style", style, "-o", str(output), "--json", *FLAGS, *flags]
    started = time.perf_counter()
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        told = [(json.loads(line)["event"], time.perf_counter()) for line in process.stdout]
    ends = [when for event, when in told if event == "done"]
    assert process.returncode == 0
    assert len(ends) == ROWS
    return ends[0] - started, (ROWS - 1) * 60 / (ends[-1] - ends[0])


if __name__ == "__main__":
    main()
