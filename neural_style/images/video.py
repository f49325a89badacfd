"""Writes a run as a film: animated WebP for web pages, or MP4."""

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
"""Most pictures of a film."""

LONGEST_SIDE = 768
"""Longest side of a film in pixels."""

_PER_SECOND = 12
_HOLD_SECONDS = 2
"""How long the last picture is shown."""

_WEBP_QUALITY = 80
_CONSTANT_RATE_FACTOR = "18"
"""Quality of x264, from 0 (lossless) to 51; 18 shows no visible loss."""


def film_every(iterations: int) -> int:
    """Number of iterations from one picture of the film to the next."""
    return max(1, -(-iterations // FRAMES))


def film_frame(picture: ImageTensor) -> ImageTensor:
    """The picture shrunk to the size of a film, at most `LONGEST_SIDE`."""
    height, width = picture.shape[-2:]
    return resize(picture, *fit(height, width, min(LONGEST_SIDE, max(height, width))))


def save_film(pictures: Iterable[ImageTensor], path: str | os.PathLike[str], size: int) -> Path:
    """Writes the pictures as a film, .webp or .mp4, with 12 pictures per second.

    Args:
        pictures: At least one, all of one aspect ratio up to rounding; sizes may grow.
        path: The suffix chooses the format.
        size: Longest side of the last picture, in pixels; the film's is at most `LONGEST_SIDE`.

    Raises:
        ImageError: The suffix is neither.
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
    """Pictures as bytes (height, width, 3) of one size with even sides, which yuv420p needs."""
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
