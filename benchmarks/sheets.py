"""Contact sheets: the effect of settings, side by side, on example pictures.

`python -m benchmarks.sheets FOLDER [WORD …]` writes one sheet for each feature, or for those named.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from PIL import Image, ImageDraw
from torch import Tensor

from neural_style import PRESETS, Masks, Settings, load_image, save_image, stylize
from neural_style.images.color import COLOR_MODES
from neural_style.images.files import resize
from neural_style.network.steps import POOLINGS
from neural_style.objective import STYLE_STATISTICS

EXAMPLES = Path(__file__).parents[1] / "examples"
PAIR = ("summer-palace", "cafe-terrace-at-night")
OTHER = "church-at-auvers"
SMALL = Settings(size=320, network_weights="packaged")

Picture = tuple[str, dict[str, Any], list[str], Masks]
"""Caption, settings that differ from `SMALL`, styles, masks."""


def sheets() -> dict[str, list[Picture]]:
    """Feature → the pictures of its sheet."""
    listed = {
        "colors": [plain(mode, color=mode) for mode in COLOR_MODES]
        + [plain("content, half", color="content", color_strength=0.5)],
        "statistics": [plain(name, statistic=name) for name in STYLE_STATISTICS],
        "pooling": [plain(name, pooling=name) for name in POOLINGS],
        "smoothing": [plain(f"tv {tv}", tv_weight=float(tv)) for tv in (0, 20, 80, 320)]
        + [plain("average 0.9", average=0.9, tv_weight=0.0)],
        "strength": [plain(f"weight {w}", style_weight=float(w)) for w in (2, 6, 20, 60, 200)],
        "scale": [plain(f"scale {scale:g}", style_scale=(scale,)) for scale in (0.5, 1.0, 2.0)]
        + [plain("lower half", style_crop=((0, 0.5, 1, 0.5),))],
        "sizes": [plain(f"{size}", size=size) for size in (256, 512, 1024)],
        "presets": [
            (
                name,
                vars(replace(preset, size=320, iterations=min(200, preset.iterations))),
                [],
                Masks(),
            )
            for name, preset in PRESETS.items()
        ],
    }
    both = [PAIR[1], OTHER]
    listed["mixing"] = [
        (f"{first} to {second}", {"style_shares": (first, second)}, both, Masks())
        for first, second in ((1, 0), (2, 1), (1, 1), (1, 2), (0, 1))
    ]
    top = upper_part()
    listed["masks"] = [
        ("one above, one below", {}, both, Masks(styles=[top, 1 - top])),
        ("the other way round", {}, both, Masks(styles=[1 - top, top])),
        ("sky kept", {}, both[:1], Masks(keep=top)),
        ("sky kept, colors too", {"color": "content"}, both[:1], Masks(keep=top)),
    ]
    return listed


def plain(caption: str, **changes: Any) -> Picture:
    return caption, changes, [], Masks()


def upper_part() -> Tensor:
    """The upper two fifths of the content image, with a soft edge."""
    height, width = load_image(EXAMPLES / f"content/{PAIR[0]}.jpg").shape[-2:]
    place = torch.linspace(0, 1, height)[:, None].expand(1, 1, height, width)
    return ((0.43 - place) / 0.06).clamp(0, 1).contiguous()


def make(picture: Picture) -> Tensor:
    _, changes, names, masks = picture
    content = load_image(EXAMPLES / f"content/{PAIR[0]}.jpg")
    styles = [load_image(EXAMPLES / f"style/{name}.jpg") for name in names or PAIR[1:]]
    *_, frame = stylize(content, styles, replace(SMALL, **changes), masks=masks)
    return frame.image


def lay_out(pictures: list[Tensor], captions: list[str], columns: int = 2) -> Image.Image:
    """Pictures in a grid, each with its caption above, scaled to the size of the largest."""
    height, width = max(tuple(image.shape[-2:]) for image in pictures)
    rows = -(-len(pictures) // columns)
    size = columns * (width + 12) - 12, rows * (height + 28)
    sheet = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(sheet)
    for k, (image, caption) in enumerate(zip(pictures, captions, strict=True)):
        left, top = k % columns * (width + 12), k // columns * (height + 28)
        fitted = fit_within(image, height, width)
        levels = fitted[0].mul(255).round().byte().permute(1, 2, 0).numpy()
        sheet.paste(Image.fromarray(levels), (left, top + 24))
        draw.text((left + 2, top + 4), caption, fill="black", font_size=16)
    return sheet


def fit_within(image: Tensor, height: int, width: int) -> Tensor:
    """The picture scaled to fit into a size, with its aspect ratio."""
    ratio = min(height / image.shape[-2], width / image.shape[-1])
    return resize(image, *(max(1, round(ratio * side)) for side in image.shape[-2:]))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sheets", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("words", nargs="*", metavar="WORD", choices=[[], *sheets()])
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for name, pictures in sheets().items():
        if options.words and name not in options.words:
            continue
        print(name, flush=True)
        made = [make(picture) for picture in pictures]
        for (caption, *_), image in zip(pictures, made, strict=True):
            save_image(image, options.folder / f"{name} {caption}.png")
        lay_out(made, [caption for caption, *_ in pictures]).save(options.folder / f"{name}.png")


if __name__ == "__main__":
    main()
