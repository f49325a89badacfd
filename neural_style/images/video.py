"""A run as a film: animated WebP, which any page shows, or MP4, which any phone plays."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import av
import numpy as np
from PIL import Image

from neural_style.errors import ImageError
from neural_style.files import check_place, not_written, write_atomically
from neural_style.images.files import ending_of, resize
from neural_style.images.sizes import fit
from neural_style.tensors import ImageTensor

FRAMES = 100
"""As many pictures of a run make a film; more show nothing new."""

LONGEST_SIDE = 768
"""In pixels: larger than most pages show a film."""

_PER_SECOND = 12
_HOLD_SECONDS = 2
"""The last picture is looked at a little longer."""

_WEBP_QUALITY = 80
_CONSTANT_RATE_FACTOR = "18"
"""Of x264, 0 for lossless to 51: 18 shows no loss at a glance."""


def film_every(iterations: int) -> int:
    """Every how many iterations a run of so many gives its film a picture."""
    return max(1, -(-iterations // FRAMES))


def shot(picture: ImageTensor) -> ImageTensor:
    """The picture no larger than a film shows it."""
    height, width = picture.shape[-2:]
    return resize(picture, *fit(height, width, min(LONGEST_SIDE, max(height, width))))


def save_film(pictures: Iterable[ImageTensor], path: str | os.PathLike[str], size: int) -> Path:
    """Writes the pictures one after the other as .webp or .mp4, twelve a second.

    Args:
        pictures: At least one, all of one shape but for rounding; sizes may grow.
        path: Its ending chooses the format.
        size: Longest side of the last picture, in pixels; the film's is at most `LONGEST_SIDE`.

    Raises:
        ImageError: The ending is neither.
        FileError: The film cannot be written there, or the disk is full.
    """
    path = check_film(path)
    frames = _frames(pictures, min(size, LONGEST_SIDE))
    try:
        with write_atomically(path) as partial:
            _WRITERS[path.suffix.lower()](frames, partial)
    except OSError as error:
        raise not_written(path, error) from error
    return path


def check_film(path: str | os.PathLike[str]) -> Path:
    """The path, if a film can be written there.

    Raises:
        ImageError: The ending names no film.
        FileError: It cannot be written there.
    """
    path = Path(path)
    if path.suffix.lower() not in _WRITERS:
        raise ImageError(
            "file.film_ending", name=path.name, ending=ending_of(path), choices=(*_WRITERS,)
        )
    check_place(path)
    return path


def _frames(pictures: Iterable[ImageTensor], longest: int) -> Iterator[np.ndarray]:
    """Bytes (height, width, 3) of one even size each: MP4 halves the colors' resolution."""
    shape = None
    for picture in pictures:
        if shape is None:
            height, width = picture.shape[-2:]
            ratio = longest / max(height, width)
            shape = (_even(height * ratio), _even(width * ratio))
        levels = resize(picture, *shape)[0].permute(1, 2, 0) * 255
        yield levels.round().byte().numpy()


def _even(length: float) -> int:
    return max(2, 2 * round(length / 2))


def _write_webp(frames: Iterator[np.ndarray], path: Path) -> None:
    pictures = [Image.fromarray(frame) for frame in frames]
    each = round(1000 / _PER_SECOND)
    pictures[0].save(
        path,
        format="WEBP",
        save_all=True,
        append_images=pictures[1:],
        duration=[*[each] * (len(pictures) - 1), 1000 * _HOLD_SECONDS],
        loop=0,
        quality=_WEBP_QUALITY,
        method=2,
    )


def _write_mp4(frames: Iterator[np.ndarray], path: Path) -> None:
    first = next(frames)
    held = _PER_SECOND * _HOLD_SECONDS
    with av.open(str(path), "w", format="mp4", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=_PER_SECOND)
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": _CONSTANT_RATE_FACTOR, "preset": "fast"}
        for frame in chain([first], frames):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame)))
        for _ in range(held):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame)))
        container.mux(stream.encode())


_WRITERS = {".webp": _write_webp, ".mp4": _write_mp4}
