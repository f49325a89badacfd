"""`make bench`: runs every measurement in its own process and appends it to results.json.

Existing results are not measured again, so the same command continues an interrupted run; `--again`
starts from scratch. `--only WORD` runs the measurements whose names contain the word.
A short trial of the nearest race: `--only "nearest race" --peer-steps 10 --folder FOLDER`.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import time
from datetime import date
from itertools import product
from pathlib import Path

from PIL import Image

from benchmarks.contestants import EVERY
from benchmarks.long_runs import LOOPS
from benchmarks.report import write_report
from neural_style.devices import use_large_pages

FOLDER = Path(__file__).parent
EXAMPLES = FOLDER.parent / "examples"

PAIRS = (
    ("summer-palace", "cafe-terrace-at-night"),
    ("chelsea", "harvest-at-la-crau"),
    ("dahlia", "church-at-auvers"),
)
RACERS = {
    "pastiche": ("pastiche", 500, []),
    "bf16": ("ours", 350, ["init=content", "scales=1", "precision=bf16"]),
    "fp32": ("ours", 350, ["init=content", "scales=1", "precision=fp32"]),
}
"""Name → program, steps and settings. All start from the content image, at one size."""

NEAREST_SIZE = 512
"""Longer side of the pictures in the nearest race."""

PEER_STEPS = 200
"""Steps of NNST at each size of stage A, and in stage B."""

NEAREST_STEPS = 40
NEAREST = [
    *("preset=balanced", "network_weights=packaged", "precision=fp32"),
    *("noise_ratio=0.0", "border=zeros", "style_fit=area"),
]
"""Our steps and settings in the nearest race: the defaults, including the content term, which the
peer does not have and which works against the judged losses. Border and style size are the
judge's."""

FREE_STEPS = 100
FREE = ["content_weight=0", "scales=4", "scale_shares=1,1,1,5"]
"""The same without the content term, with more steps at the full size."""

PICTURES = {"balanced": 0, "quick": 0, "pastiche": 0, "crowson": 6}
"""Programs whose time to a picture is measured → steps measured at each size; 0 for all."""

ABLATIONS = {
    "as raced": ["init=content", "scales=1"],
    "float32": ["init=content", "scales=1", "precision=fp32"],
    "pixels in place of cosines": ["init=content", "scales=1", "canvas=pixel_canvas"],
    "not eased": ["init=content", "scales=1", "eased=0"],
    "20 steps remembered": ["init=content", "scales=1", "history=20"],
    "recolored start": ["init=recolored", "scales=1"],
    "a half-size pass first": ["init=content", "scales=2"],
    "the plain engine": ["engine=plain"],
}
"""Ablations: name → settings with one idea removed or added."""

GROWTH = (256, 512, 1024, 2048)

MEMORY = ((512, 10), (512, 110), (1024, 10))
"""Sizes and steps; after 110 steps the L-BFGS history of each program is full."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--again", action="store_true", help="measure all of it anew")
    parser.add_argument(
        "--only", default="", metavar="WORD", help="measure what has it in its name"
    )
    parser.add_argument(
        "--peer-steps",
        type=int,
        default=PEER_STEPS,
        metavar="N",
        help=f"steps of the nearest race's peer at each size and in stage B (default {PEER_STEPS}),"
        f" a multiple of {EVERY}",
    )
    parser.add_argument(
        "--folder", type=Path, default=FOLDER, help="where the results are kept (default: here)"
    )
    options = parser.parse_args()
    use_large_pages()  # in the processes that measure, which inherit it; the same for all
    if options.peer_steps < 1 or options.peer_steps % EVERY:
        parser.error(f"--peer-steps must be a multiple of {EVERY}")
    if options.peer_steps != PEER_STEPS and options.folder == FOLDER:
        parser.error("a trial with other --peer-steps needs a --folder of its own")
    options.folder.mkdir(parents=True, exist_ok=True)
    kept = options.folder / "results.json"
    results = {} if options.again or not kept.exists() else json.loads(kept.read_text())
    for name, command in jobs(options.peer_steps):
        if name in results or options.only not in name:
            continue
        print(name, flush=True)
        results[name] = measure(command)
        results[name] |= {"machine": machine(), "date": f"{date.today():%Y-%m-%d}"}
        kept.write_text(json.dumps(results, indent=1) + "\n")
        write_report(results, options.folder)


def jobs(peer_steps: int = PEER_STEPS) -> list[tuple[str, list[str]]]:
    """Name and command of each measurement; racers alternate, pair by pair."""
    listed = []
    for precision in ("bf16", "fp32"):
        files = pair_files(PAIRS[0], 512)
        listed.append((f"limit {precision}", ["benchmarks.limit", *files, precision]))
    listed.append(("first picture", ["benchmarks.first_picture", *pair_files(PAIRS[0], 512)]))
    style = str(EXAMPLES / "style" / f"{PAIRS[0][1]}.jpg")
    listed.append(("many pictures", ["benchmarks.many_pictures", style]))
    for size in GROWTH:
        files = pair_files(PAIRS[0], size)
        run = ["scales=1", "precision=bf16"]
        listed.append((f"growth {size}", contestant("ours", files, 4, run)))
    for size, steps in MEMORY:
        files = pair_files(PAIRS[0], size)
        for racer, (program, _, settings) in RACERS.items():
            name = f"memory {size} {steps} {racer}"
            listed.append((name, contestant(program, files, steps, settings)))
    for pair in PAIRS:
        files = pair_files(pair, 512)
        for racer, (program, steps, settings) in RACERS.items():
            name = f"race {pair[0]} {racer}"
            listed.append((name, contestant(program, files, steps, settings)))
    for pair in PAIRS:
        files = pair_files(pair, NEAREST_SIZE)
        name = f"nearest race {NEAREST_SIZE} {pair[0]}"
        listed.append((f"{name} peer", contestant("nnst", files, peer_steps, [])))
        listed.append((f"{name} ours", contestant("nearest", files, NEAREST_STEPS, NEAREST)))
        listed.append((f"{name} free", contestant("nearest", files, FREE_STEPS, NEAREST + FREE)))
    for program, few in PICTURES.items():
        command = ["benchmarks.time_to_picture", *pair_files(PAIRS[0], 512), "{now}", program]
        listed.append((f"picture {program}", [*command, str(few)]))
    for name, settings in ABLATIONS.items():
        files = pair_files(PAIRS[0], 384)
        listed.append((f"ablation {name}", contestant("ours", files, 300, settings)))
    for pooling, loop in product(("max", "avg"), LOOPS):
        command = ["benchmarks.long_runs", *pair_files(PAIRS[0], 96), pooling, loop]
        listed.append((f"long {pooling} {loop}", command))
    return listed


def contestant(program: str, files: list[str], steps: int, settings: list[str]) -> list[str]:
    return ["benchmarks.contestants", program, *files, str(steps), "{now}", *settings]


def pair_files(pair: tuple[str, str], size: int) -> list[str]:
    """Both pictures as PNG files, at sizes that no program changes."""
    folder = FOLDER / "pictures"
    folder.mkdir(exist_ok=True)
    paths = []
    pixels = 0.0
    for kind, name in zip(("content", "style"), pair, strict=True):
        path = folder / f"{name}-{size}.png"
        with Image.open(EXAMPLES / f"{kind}/{name}.jpg") as picture:
            width, height = picture.size
            ratio = (pixels / width / height) ** 0.5 if pixels else size / max(width, height)
            width, height = round(width * ratio), round(height * ratio)
            pixels = pixels or width * height
            if not path.exists():
                picture.resize((width, height), Image.Resampling.LANCZOS).save(path)
        paths.append(str(path))
    return paths


def measure(command: list[str]) -> dict:
    words = [word.format(now=time.time()) for word in command]
    run = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=FOLDER.parent,
        stdout=subprocess.PIPE,
        text=True,
    )
    if run.returncode:
        raise SystemExit(f"{' '.join(words)} failed: its own words are above.")
    return json.loads(run.stdout.splitlines()[-1])


def machine() -> str:
    """Processor and number of its cores."""
    import torch

    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":")[1].strip()
            break
    return f"{model}, {torch.get_num_threads()} threads, torch {torch.__version__}"


if __name__ == "__main__":
    main()
