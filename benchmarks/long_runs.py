"""Measures how very long runs degrade; prints JSON.

`python -m benchmarks.long_runs CONTENT STYLE POOLING LOOP`: from white noise, with the loss weights
of anishathalye's program, up to 10,000 steps. LOOP is `plain`, Adam as in that program, or
`guarded`, our Adam at the same rate.
"""

from __future__ import annotations

import json
import math
import sys
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from neural_style import PRESETS, load_image, save_image, stylize

MARKS = (10, 100, 500, 1000, 3000, 10_000)

LOOPS = {
    "plain": {"engine": "plain"},
    "guarded": {"engine": "fast", "learning_rate": 10 / 255, "scales": 1},
}


def main() -> None:
    content, style, pooling, loop = sys.argv[1:5]
    pictures = load_image(content), load_image(style)
    settings = replace(
        PRESETS["anishathalye"],
        **LOOPS[loop],
        init="noise",
        iterations=MARKS[-1],
        size=max(pictures[0].shape[-2:]),
        pooling=pooling,
    )
    looks, lowest = [], math.inf
    for frame in stylize(*pictures, settings, every=100):
        loss = sum(frame.losses.values())
        lowest = min(lowest, loss)
        if frame.iteration in MARKS:
            looks.append({"step": frame.iteration, "loss": loss, "lowest": lowest})
            looks[-1] |= {"flat": flat_share(frame.image), "extreme": extreme_share(frame.image)}
            name = f"long-{pooling}-{loop}-{frame.iteration}.png"
            save_image(frame.image, Path(content).parent / name)
    print(json.dumps({"looks": looks}))


def flat_share(image: Tensor) -> float:
    """Share of 4×4 patches whose gray values differ by at most two levels: visibly flat."""
    patches = image.mean(1, keepdim=True).unfold(2, 4, 4).unfold(3, 4, 4).flatten(4)
    return (patches.std(dim=-1) < 2 / 255).float().mean().item()


def extreme_share(image: Tensor) -> float:
    """Share of values that are pure black or white."""
    return ((image <= 0) | (image >= 1)).float().mean().item()


if __name__ == "__main__":
    main()
