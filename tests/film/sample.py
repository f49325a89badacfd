"""A sample film: a camera moves over a picture, a thing crosses it, and a cut follows.

`python -m tests.film.sample FOLDER` writes it as FOLDER/sample.mp4, 384×216, with a tone.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from neural_style import load_image

PHOTOGRAPHS = Path(__file__).parents[2] / "examples" / "content"


def sample_frames(
    height: int, width: int, count: int, cut: int | None = None, step: float = 0.012
) -> Iterator[Tensor]:
    """The frames of the sample film.

    Args:
        cut: Index of the first frame of the second scene; None for one scene only.
        step: Camera's and thing's way from frame to frame, as a share of the width.
    """
    first, second, thing = (
        load_image(PHOTOGRAPHS / f"{name}.jpg", 3 * width)
        for name in ("summer-palace", "dahlia", "chelsea")
    )
    for number in range(count):
        if cut is not None and number >= cut:
            yield _view(second, height, width, 0.6 - step * (number - cut), 0.45, 0.5)
            continue
        scene = _view(first, height, width, 0.3 + step * number, 0.5, 0.6 - 0.002 * number)
        yield _with_thing(scene, thing, 0.15 + 1.5 * step * number)


def _view(picture: Tensor, height: int, width: int, across: float, down: float, zoom: float):
    """What the camera sees: centered at a place of the picture, a share `zoom` of it wide."""
    x = (2 * across - 1) + zoom * torch.linspace(-1, 1, width)
    tall = zoom * height / width * picture.shape[-1] / picture.shape[-2]
    y = (2 * down - 1) + tall * torch.linspace(-1, 1, height)
    grid = torch.stack(torch.meshgrid(x, y, indexing="xy"), 2)[None]
    return grid_sample(picture, grid, "bicubic", "reflection", align_corners=False).clamp(0, 1)


def _with_thing(scene: Tensor, thing: Tensor, across: float) -> Tensor:
    """The scene with a round piece of another picture, its center at a share of the width."""
    height, width = scene.shape[-2:]
    radius = 0.22 * height
    x = torch.arange(width) - across * width
    y = torch.arange(height)[:, None] - 0.55 * height
    cover = (radius + 0.5 - (x.square() + y.square()).sqrt()).clamp(0, 1)[None, None]
    grid = torch.stack(torch.broadcast_tensors(x / (2.4 * radius), y / (2.4 * radius)), 2)[None]
    piece = grid_sample(thing, 0.8 * grid, "bicubic", "reflection", align_corners=False).clamp(0, 1)
    return torch.lerp(scene, piece, cover.expand_as(scene))


def write_sample(
    path: Path,
    frames: Iterable[Tensor],
    times: Sequence[int] = (),
    *,
    sound: str | None = "aac",
    codec: str = "libx264",
    form: str = "yuv420p",
    rate: int = 24,
) -> Path:
    """Writes frames as a film with a tone of 440 Hz.

    Args:
        path: Its ending chooses the container.
        frames: With three channels, or four for transparency.
        times: When each is shown, in 1/600 of a second; by default `rate` a second.
        sound: Codec of the tone; None for no sound.
        codec, form: Codec and pixel format of the pictures.
    """
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.codec_context.time_base = Fraction(1, 600)
        stream.pix_fmt = form
        heard = None if sound is None else container.add_stream(sound, rate=_RATE, layout="mono")
        count = 0
        for count, frame in enumerate(frames, 1):
            if count == 1:
                stream.height, stream.width = frame.shape[-2:]
            levels = (255 * frame[0]).round().byte().permute(1, 2, 0).contiguous().numpy()
            picture = av.VideoFrame.from_ndarray(levels, "rgba" if len(frame[0]) == 4 else "rgb24")
            picture.pts = times[count - 1] if times else 600 * (count - 1) // rate
            picture.time_base = Fraction(1, 600)
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
        if heard is not None:
            _write_tone(container, heard, count / rate)
    return path


def _write_tone(
    container: av.container.OutputContainer, stream: av.AudioStream, seconds: float
) -> None:
    times = np.arange(int(seconds * _RATE)) / _RATE
    wave = (0.2 * np.sin(2 * math.pi * 440 * times)).astype(np.float32)[None]
    frame = av.AudioFrame.from_ndarray(wave, "fltp", "mono")
    frame.sample_rate, frame.pts = _RATE, 0
    resampler = av.AudioResampler(stream.codec_context.format, "mono", _RATE)
    for ready in resampler.resample(frame):
        container.mux(stream.encode(ready))
    container.mux(stream.encode(None))


_RATE = 44_100
"""Samples of sound per second."""


if __name__ == "__main__":
    target = Path(sys.argv[1]) / "sample.mp4"
    write_sample(target, sample_frames(216, 384, 24, 16))
