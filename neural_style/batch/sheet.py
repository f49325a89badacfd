"""A contact sheet of the results: small pictures with their names, on one page."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image, ImageDraw

from neural_style.batch.places import delivered, fetched
from neural_style.errors import ImageError
from neural_style.images.files import load_image, save_image

MOST = 60
"""Pictures on the sheet; of more results, every second, third, …"""

_SIDE = 220
_CAPTION = 22
_GAP = 8
_MOST_COLUMNS = 8
_LETTERS = 34


def save_sheet(pictures: Sequence[str], path: str) -> str:
    """Writes the sheet.

    Args:
        pictures: Paths of the results, at least one. One that cannot be read is left out.

    Raises:
        FileError: The sheet cannot be written.
    """
    chosen = pictures[:: -(-len(pictures) // MOST)]
    columns = min(_MOST_COLUMNS, math.ceil(math.sqrt(len(chosen))))
    rows = -(-len(chosen) // columns)
    wide, tall = _SIDE + _GAP, _SIDE + _CAPTION + _GAP
    sheet = Image.new("RGB", (columns * wide + _GAP, rows * tall + _GAP), "white")
    draw = ImageDraw.Draw(sheet)
    for k, name in enumerate(chosen):
        left, top = _GAP + k % columns * wide, _GAP + k // columns * tall
        small = _thumbnail(name)
        if small is not None:
            inset = (_SIDE - small.width) // 2, (_SIDE - small.height) // 2
            sheet.paste(small, (left + inset[0], top + inset[1]))
        draw.text((left, top + _SIDE + 4), name.rpartition("/")[2][-_LETTERS:], "black")
    pixels = torch.from_numpy(np.array(sheet)).permute(2, 0, 1)[None].float() / 255
    with delivered(path) as file:
        save_image(pixels, file)
    return path


def _thumbnail(path: str) -> Image.Image | None:
    try:
        with fetched(path) as file:
            picture = load_image(file, longest=_SIDE)
    except ImageError:
        return None
    levels = (255 * picture[0].permute(1, 2, 0)).round().byte().numpy()
    return Image.fromarray(levels)
