"""Small films for the tests: files of a few frames, and settings that paint them in seconds."""

from __future__ import annotations

from pathlib import Path

import av
import torch

from neural_style.film.paint import Later, Painted, paint_frames
from neural_style.film.pieces import Brush
from tests.film.sample import sample_frames, write_sample
from tests.small_pictures import grainy
from tests.small_runs import small_settings

HEIGHT, WIDTH = 48, 64


def small_frames(count: int = 4, cut: int | None = None) -> list[torch.Tensor]:
    """The sample film, 64×48."""
    return [*sample_frames(HEIGHT, WIDTH, count, cut, step=0.03)]


def small_film(path: Path, count: int = 10, cut: int | None = 6, **options) -> Path:
    """The sample film as a file, with sound."""
    return write_sample(path, sample_frames(HEIGHT, WIDTH, count, cut, step=0.03), **options)


def small_brush(steps: int = 1, **changes) -> Brush:
    """Paints in a fraction of a second, with the network of the fixture `tiny`."""
    settings = small_settings(**{"iterations": 2} | changes)
    return Brush([grainy(64, 64, 3)], settings, later=Later(steps=steps))


def paint(frames: list[torch.Tensor], brush: Brush, **options) -> list[Painted]:
    """All frames painted."""
    return [*paint_frames(frames, brush.styles, brush.settings, brush.later, **options)]


def sound_of(path: Path) -> list[bytes]:
    """The packets of sound in a file."""
    with av.open(str(path)) as film:
        return [bytes(packet) for packet in film.demux(film.streams.audio[0]) if packet.size]
