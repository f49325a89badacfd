"""The files that the shell writes: checked before a run, so that none replaces another."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

from neural_style.errors import FileError, ImageError
from neural_style.files import make_folder
from neural_style.images.files import check_destination
from neural_style.messages import Message


def check_inputs_stay(
    options: argparse.Namespace, outputs: Sequence[Path], frames: Path | None
) -> None:
    """Refuses outputs that would replace an input or each other.

    Args:
        frames: A folder in which any file with a frame's name would be replaced.

    Raises:
        ImageError: An input would be replaced.
        FileError: Two outputs are one file.
    """
    pictures = [(Message("image.content"), options.content)]
    pictures += [(Message("image.style"), path) for path in options.style]
    masks = [*(options.mask or ()), *(options.style_mask or ())]
    pictures += [(Message("image.mask"), path) for path in masks]
    pictures += [(Message("image.keep_mask"), options.keep)] if options.keep else []
    if options.init_image:
        pictures.append((Message("image.start"), options.init_image))
    pictures += [(Message("image.recipe"), options.result)] if "result" in options else []
    for name, path in pictures:
        given = Path(path)
        replaced = [*outputs]
        if frames is not None and re.fullmatch(r"\d{6,}\.png", given.name):
            replaced.append(frames / given.name)
        if any(_are_one_file(output, given) for output in replaced):
            raise ImageError("file.would_be_replaced", image=name, path=str(given))
    if len(outputs) > 1 and outputs[0].resolve() == outputs[1].resolve():
        raise FileError("file.picture_and_film", path=str(outputs[0]))


def _are_one_file(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)


def make_frames_folder(folder: str | None) -> Path | None:
    """The folder for intermediate pictures, made if it is missing; None where none is asked for.

    Raises:
        FileError: It cannot be made or written to.
    """
    if folder is None:
        return None
    path = Path(folder)
    make_folder(path)
    check_destination(path / "000000.png")
    return path
