"""Writes films: H.264 with the sound of another film, or a folder of pictures."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from neural_style.errors import ImageError
from neural_style.files import check_place, make_folder, not_written, write_atomically
from neural_style.film.read import FilmFrame
from neural_style.images.files import ending_of, save_image

ENDINGS = (".mp4",)
"""Endings of the files that can be written; a name without ending is a folder of pictures."""

_QUALITY = {"crf": "15", "preset": "medium", "x264-params": "mbtree=0"}
"""x264's: 0 is lossless, 18 shows no visible loss; brush strokes are fine detail.

Its macroblock tree is off: with it, on a CPU with AVX-512, the same pictures of 64, 80 or 200
pixels' width sometimes gave other bytes.
"""

_COPIED = {"aac", "mp3", "ac3", "eac3", "alac"}
"""Codecs of sound that players accept in MP4; others are encoded anew, as AAC."""

_BITS = 192_000
"""Bits per second of sound that is encoded anew."""


def check_output(path: str | os.PathLike[str]) -> Path:
    """The path, if a film can be written there; a folder is made.

    Raises:
        ImageError: The ending names no film.
        FileError: It cannot be written there.
    """
    path = Path(path)
    if path.suffix.lower() in ENDINGS:
        check_place(path)
        return path
    if path.suffix and not path.is_dir():
        raise ImageError("film.ending", name=path.name, ending=ending_of(path), choices=ENDINGS)
    make_folder(path)
    return path


def write_film(
    frames: Iterable[FilmFrame],
    path: str | os.PathLike[str],
    time_base: Fraction,
    sound: Path | None = None,
) -> Path:
    """Writes a film, whole or not at all, or a folder of PNGs.

    Args:
        frames: At least one, of one size. Sides with an odd number of pixels lose one: H.264's
            usual colors are stored for squares of four pixels.
        path: `.mp4`, or a folder.
        time_base: Unit of the frames' times, in seconds.
        sound: A film whose sound is written, too: bit for bit where MP4 may hold it.

    Raises:
        ImageError, FileError: As `check_output`, or the disk is full.
    """
    path = check_output(path)
    if path.is_dir():
        for number, frame in enumerate(frames):
            save_image(frame.image, path / f"{number:06}.png")
        return path
    try:
        with write_atomically(path) as partial:
            _write(iter(frames), partial, time_base, sound)
    except OSError as error:
        raise not_written(path, error) from error
    return path


def _write(
    frames: Iterator[FilmFrame], path: Path, time_base: Fraction, sound: Path | None
) -> None:
    first = next(frames)
    options = {"movflags": "faststart"}
    with av.open(str(path), "w", format="mp4", options=options) as container:
        stream = container.add_stream("libx264", options=_QUALITY)
        stream.height, stream.width = (side - side % 2 for side in first.image.shape[-2:])
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.time_base = stream.time_base = time_base
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = _NARROW
        packets = _sound(container, sound)
        waiting = next(packets, None)
        frame = first
        while frame is not None:
            while waiting is not None and waiting[0] <= frame.time:
                container.mux(waiting[1])
                waiting = next(packets, None)
            container.mux(stream.encode(_encoded(frame, time_base)))
            frame = next(frames, None)
        container.mux(stream.encode())
        while waiting is not None:
            container.mux(waiting[1])
            waiting = next(packets, None)


def _encoded(frame: FilmFrame, time_base: Fraction) -> av.VideoFrame:
    height, width = (side - side % 2 for side in frame.image.shape[-2:])
    levels = (255 * frame.image[0, :, :height, :width]).round().clamp(0, 255)
    pixels = np.ascontiguousarray(levels.byte().permute(1, 2, 0).numpy())
    picture = av.VideoFrame.from_ndarray(pixels).reformat(
        format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG"
    )
    picture.colorspace, picture.color_range = _BT709, _NARROW
    picture.pts, picture.time_base = round(frame.time / time_base), time_base
    return picture


_BT709, _NARROW = 1, 1
"""FFmpeg's numbers of high definition's colors, and of levels from 16 to 235."""


def _sound(
    container: av.container.OutputContainer, path: Path | None
) -> Iterator[tuple[Fraction, av.Packet]]:
    """The packets of sound with their times. The stream is added at once."""
    if path is None or path.is_dir():
        return iter(())
    source = av.open(str(path))
    if not source.streams.audio:
        source.close()
        return iter(())
    given = source.streams.audio[0]
    if given.codec_context.name in _COPIED:
        return _copied(source, given, container.add_stream_from_template(given))
    rate = given.codec_context.sample_rate
    layout = "mono" if given.codec_context.layout.nb_channels == 1 else "stereo"
    made = container.add_stream("aac", rate=rate, layout=layout)
    made.bit_rate = _BITS
    return _recoded(source, given, made)


def _copied(
    source: av.container.InputContainer, given: av.AudioStream, made: av.AudioStream
) -> Iterator[tuple[Fraction, av.Packet]]:
    with source:
        for packet in source.demux(given):
            if packet.dts is not None:
                time = packet.dts * packet.time_base
                packet.stream = made
                yield time, packet


def _recoded(
    source: av.container.InputContainer, given: av.AudioStream, made: av.AudioStream
) -> Iterator[tuple[Fraction, av.Packet]]:
    context = made.codec_context
    resampler = av.AudioResampler(context.format, context.layout, context.sample_rate)
    with source:
        for frame in source.decode(given):
            for ready in resampler.resample(frame):
                yield from _timed(made.encode(ready))
        for ready in resampler.resample(None):
            yield from _timed(made.encode(ready))
        yield from _timed(made.encode(None))


def _timed(packets: list[av.Packet]) -> Iterator[tuple[Fraction, av.Packet]]:
    for packet in packets:
        yield packet.pts * packet.time_base, packet
