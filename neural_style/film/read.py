"""Reads films: a video file through PyAV, or a folder of pictures."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
import torch
from torch import Tensor

from neural_style.errors import ImageError
from neural_style.files import reason_of
from neural_style.images.files import ENDINGS, load_image, resize
from neural_style.images.sizes import fit, size_of
from neural_style.tensors import ImageTensor

PICTURES_PER_SECOND = 25
"""Rate of a folder of pictures."""


class FilmFrame(NamedTuple):
    """A frame with its place in time.

    Attributes:
        image: Upright, over white, with square pixels.
        time: When it is shown, in seconds.
    """

    image: ImageTensor
    time: Fraction


@dataclass(frozen=True)
class Film:
    """A film that can be read any number of times, in any process that has the file.

    Attributes:
        path: A video file, or a folder of pictures, whose names are their order.
        longest: Frames are shrunk to at most this many pixels on the longer side while reading;
            None for their own size.
    """

    path: Path
    longest: int | None = None

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder of pictures."""
        return self.path.is_dir()

    def fingerprint(self) -> list[tuple[str, int]]:
        """Names and bytes of its files, without their folders: equal on all workers."""
        files = self.pictures() if self.is_folder else [self.path]
        return [(path.name, path.stat().st_size) for path in files]

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[FilmFrame]:
        """The frames from `start` to before `stop`, one at a time.

        Raises:
            ImageError: The film cannot be read, or has no video.
        """
        if self.is_folder:
            return self._pictures(start, stop)
        return self._decoded(start, stop)

    def times(self) -> Iterator[Fraction]:
        """The time of each frame, as `frames` gives it; their colors are not converted."""
        if self.is_folder:
            yield from (_time_of(k) for k in range(len(self.pictures())))
            return
        with _opened(self.path) as (container, stream):
            clock = _Clock(stream)
            for frame in _decode(container, stream, self.path):
                yield clock.time(frame)

    def time_base(self) -> Fraction:
        """The unit in which the film counts time, in seconds."""
        if self.is_folder:
            return Fraction(1, PICTURES_PER_SECOND)
        with _opened(self.path) as (_, stream):
            return Fraction(stream.time_base)

    def pictures(self) -> list[Path]:
        """The pictures of a folder, in the order of their names.

        Raises:
            ImageError: There are none.
        """
        found = sorted(path for path in self.path.iterdir() if path.suffix.lower() in ENDINGS)
        if not found:
            raise ImageError("film.no_pictures", folder=str(self.path), choices=ENDINGS)
        return found

    def _pictures(self, start: int, stop: int | None) -> Iterator[FilmFrame]:
        shape = None
        for number, path in enumerate(self.pictures()[:stop]):
            if shape is not None and number < start:
                continue
            image = load_image(path, self.longest)
            shape = shape or tuple(image.shape)
            if tuple(image.shape) != shape:
                sizes = {"size": size_of(image), "other": f"{shape[3]}×{shape[2]}"}
                raise ImageError("film.sizes_differ", name=path.name, **sizes)
            if number >= start:
                yield FilmFrame(image, _time_of(number))

    def _decoded(self, start: int, stop: int | None) -> Iterator[FilmFrame]:
        with _opened(self.path) as (container, stream):
            clock = _Clock(stream)
            frames = _decode(container, stream, self.path)
            shape = None
            for number, frame in enumerate(islice(frames, stop)):
                time = clock.time(frame)
                if number >= start or shape is None:
                    image = self._upright(frame, stream)
                    shape = shape or tuple(image.shape[-2:])  # few films change it
                if number >= start:
                    yield FilmFrame(resize(image, *shape), time)

    def _upright(self, frame: av.VideoFrame, stream: av.VideoStream) -> ImageTensor:
        picture = _to_tensor(frame)
        height, width = picture.shape[-2:]
        ratio = Fraction(stream.sample_aspect_ratio or 1)
        width = max(1, round(width * ratio))
        turns = round(frame.rotation / 90) % 4
        if self.longest is not None and max(height, width) > self.longest:
            height, width = fit(height, width, self.longest)
        return torch.rot90(resize(picture, height, width), turns, (2, 3)).contiguous()


def open_film(path: str | os.PathLike[str], longest: int | None = None) -> Film:
    """The film in a file or folder, after a look at its first frame.

    Args:
        path: A video file, or a folder of pictures, whose names are their order.
        longest: As in `Film`.

    Raises:
        ImageError: It is missing, damaged, no film, or has no video stream or no frame.
    """
    film = Film(Path(path), longest)
    if next(film.frames(), None) is None:
        raise ImageError("film.no_frames", name=film.path.name)
    return film


def _time_of(number: int) -> Fraction:
    return Fraction(number, PICTURES_PER_SECOND)


class _Clock:
    """The times of decoded frames; a frame without one follows the last at the average rate."""

    def __init__(self, stream: av.VideoStream):
        self.base = Fraction(stream.time_base)
        self.step = 1 / Fraction(stream.average_rate or PICTURES_PER_SECOND)
        self.last: Fraction | None = None

    def time(self, frame: av.VideoFrame) -> Fraction:
        """The time of the next frame, later than that of the last."""
        after = Fraction(0) if self.last is None else self.last + self.step
        time = after if frame.pts is None else frame.pts * self.base
        if self.last is not None and time <= self.last:
            time = after
        self.last = time
        return time


@contextmanager
def _opened(path: Path) -> Iterator[tuple[av.container.InputContainer, av.VideoStream]]:
    try:
        container = av.open(str(path))
    except (OSError, ValueError, av.FFmpegError) as error:
        raise _unreadable(path, error) from error
    with container:
        streams = [s for s in container.streams.video if not _is_cover(s)]
        if not streams:
            raise ImageError("film.no_video", name=path.name)
        streams[0].thread_type = "AUTO"
        yield container, streams[0]


def _is_cover(stream: av.VideoStream) -> bool:
    """Whether the stream is the cover picture of a piece of music."""
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def _decode(
    container: av.container.InputContainer, stream: av.VideoStream, path: Path
) -> Iterator[av.VideoFrame]:
    """The decoded frames; a film that is cut short ends where it does."""
    decoder = _alpha_decoder(stream)
    count = 0
    try:
        for packet in container.demux(stream):
            for frame in packet.decode() if decoder is None else decoder.decode(_data(packet)):
                count += 1
                yield frame
    except av.FFmpegError as error:
        if not count:
            raise _unreadable(path, error) from error


def _alpha_decoder(stream: av.VideoStream) -> av.VideoCodecContext | None:
    """The decoder that also decodes transparency, for WebM; None for the usual one."""
    name = {"vp8": "libvpx", "vp9": "libvpx-vp9"}.get(stream.codec_context.name)
    if stream.metadata.get("alpha_mode") != "1" or name is None:
        return None
    decoder = av.CodecContext.create(name, "r")
    decoder.extradata = stream.codec_context.extradata
    return decoder


def _data(packet: av.Packet) -> av.Packet | None:
    """The packet; None at the end, which makes the decoder give its last frames."""
    return packet if packet.size else None


def _unreadable(path: Path, error: Exception) -> ImageError:
    reason = reason_of(error) if isinstance(error, OSError | ValueError) else str(error)
    return ImageError("film.unreadable", name=path.name or str(path), reason=reason)


def _to_tensor(frame: av.VideoFrame) -> Tensor:
    """The frame in sRGB, composited over white."""
    alpha = any(part.is_alpha for part in frame.format.components) or frame.format.has_palette
    kind = "rgba" if alpha else "rgb24"
    space = _MATRICES.get(frame.colorspace)
    if space is None:  # untagged: by size, as players do
        space = "ITU709" if frame.height >= _HIGH else "ITU601"
    levels = frame.reformat(format=kind, src_colorspace=space).to_ndarray()
    picture = torch.from_numpy(levels.astype(np.float32) / 255).permute(2, 0, 1)[None]
    if alpha:
        picture = torch.lerp(torch.ones(()), picture[:, :3], picture[:, 3:])
    return picture.contiguous()


_MATRICES = {1: "ITU709", 5: "ITU601", 6: "ITU601", 7: "SMPTE240M", 9: "BT2020"}
"""FFmpeg's number of a film's color matrix → PyAV's name."""

_HIGH = 720
"""Height from which a film that says nothing about its colors is taken for high definition."""
