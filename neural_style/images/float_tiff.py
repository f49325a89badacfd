"""Reads TIFF files of floating-point colors, which Pillow does not.

Pillow's TIFF decoder is given the same file under another header, which says that each row holds
its bytes as levels of 8 bits. That undoes the compression within limits on memory; the floats are
made of the bytes here. Tags are those of TIFF 6.0 (1992), and of Adobe's TIFF Technical
Note 3 (2005) for the predictor of floating-point numbers.
"""

from __future__ import annotations

import io
import math
import struct
from typing import NamedTuple

import numpy as np
from PIL import ExifTags, Image, ImageFile, TiffImagePlugin

from neural_style.images.decode import SIDEWAYS, TURNS

FORMAT = "FLOAT_TIFF"
"""Name of the decoder, for `PIL.Image.open`."""

_MAX_PIXELS = 75_000_000
"""Of the picture under the other header. Colors of 32 bits may have 25 megapixels then, and reading
them takes no more memory than the largest pictures of 8 bits."""

_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

_FLOATS, _GRAY, _RGB, _INKS, _TOGETHER = 3, 1, 2, 5, 1
"""Values of the tags SampleFormat, PhotometricInterpretation (three) and PlanarConfiguration."""

_PREMULTIPLIED, _OPACITY = 1, 2
"""Values of the tag ExtraSamples for a fourth channel; others are no opacity."""

_COMPRESSIONS = (1, 5, 8, 32773, 32946, 34925, 50000)
"""None, LZW, Deflate, PackBits, Deflate's old number, LZMA, Zstandard."""

_NO_PREDICTOR, _DIFFERENCES, _DIFFERENCES_OF_BYTES = 1, 2, 3
"""Values of the tag Predictor."""

_BAND_BYTES = 16_000_000
"""So many bytes are made floats at a time."""


class UnsupportedFloatsError(ValueError):
    """A TIFF file of floating-point numbers, but not of a kind that is read here."""


_Tag = ExifTags.Base
_Tags = TiffImagePlugin.ImageFileDirectory_v2

_PLACES = (_Tag.StripOffsets, _Tag.RowsPerStrip, _Tag.StripByteCounts)
_TILE_PLACES = (_Tag.TileLength, _Tag.TileOffsets, _Tag.TileByteCounts)
"""Tags that the other header has from the file, without tiles and with them."""


class FloatTiffFile(ImageFile.ImageFile):
    """A decoder for `PIL.Image.open`: values from 0 to 1, others clipped, as 8 bits a channel.

    The picture is upright, as Pillow's TIFF decoder makes it.
    """

    format = "TIFF"
    format_description = "TIFF of floating-point colors"

    def _open(self) -> None:
        data = self.fp.read()
        tags = _read_tags(data)
        layout = _read_layout(tags, "<" if data[:1] == b"I" else ">")
        self._to_decode: tuple[bytes, _Layout] | None = (
            _with_other_header(data, tags, layout),
            layout,
        )
        self._turn = tags.get(_Tag.Orientation)
        sideways = self._turn in SIDEWAYS
        self._size = (layout.height, layout.width) if sideways else (layout.width, layout.height)
        self._mode = layout.mode
        if isinstance(profile := tags.get(_Tag.InterColorProfile), bytes):
            self.info["icc_profile"] = profile

    def load(self) -> Image.core.PixelAccess | None:
        """Decodes the pixels.

        Raises:
            One of `DECODER_ERRORS`: They are damaged.
        """
        if self._to_decode:
            picture = _decode(*self._to_decode)
            self._to_decode = None
            turn = TURNS.get(self._turn)
            self.im = (picture if turn is None else picture.transpose(turn)).im
        return super().load()


class _Layout(NamedTuple):
    """How the numbers lie in the file.

    Attributes:
        mode: Of the picture.
        colors: Numbers of a pixel that are colors: 1 or 3.
        samples: All numbers of a pixel.
        size: Bytes of a number: 2, 4 or 8.
        order: Order of the bytes: "<" or ">".
        columns: Pixels in a row of a tile; without tiles, of the picture.
        across: Tiles beside each other.
        predictor: How each number is told from those before it.
        premultiplied: Whether colors have been multiplied by opacity.
    """

    width: int
    height: int
    mode: str
    colors: int
    samples: int
    size: int
    order: str
    columns: int
    across: int
    predictor: int
    premultiplied: bool


def _read_tags(data: bytes) -> _Tags:
    """The tags of the file's first picture.

    Raises:
        SyntaxError: It is no TIFF file.
    """
    if data[:4] not in _MAGIC or len(data) < 16:
        raise SyntaxError("not a TIFF file")
    tags = _Tags(data[: 16 if 43 in data[2:4] else 8])
    file = io.BytesIO(data)
    file.seek(tags.next)
    tags.load(file)
    return tags


def _numbers(tags: _Tags, tag: int) -> tuple[int, ...]:
    """The integers of a tag; none where it is missing.

    Raises:
        SyntaxError: They are none, or too large.
    """
    values = tags.get(tag, ())
    values = values if isinstance(values, tuple) else (values,)
    if not all(isinstance(value, int) and 0 <= value < 2**32 for value in values):
        raise SyntaxError("no numbers")
    return values


def _number(tags: _Tags, tag: int, default: int = 0) -> int:
    """The first integer of a tag."""
    return next(iter(_numbers(tags, tag)), default)


def _read_layout(tags: _Tags, order: str) -> _Layout:
    """How the numbers lie in the file.

    Raises:
        SyntaxError: They are no floating-point numbers, or the header is damaged.
        UnsupportedFloatsError: They are not of a kind that is read here.
    """
    if {*_numbers(tags, _Tag.SampleFormat)} != {_FLOATS}:
        raise SyntaxError("no floating-point numbers")
    width, height = _number(tags, _Tag.ImageWidth), _number(tags, _Tag.ImageLength)
    samples = _number(tags, _Tag.SamplesPerPixel, 1)
    bits = {*_numbers(tags, _Tag.BitsPerSample)}
    colors = {_GRAY: 1, _RGB: 3}.get(_number(tags, _Tag.PhotometricInterpretation), 0)
    compression, predictor = _number(tags, _Tag.Compression, 1), _number(tags, _Tag.Predictor, 1)
    if (
        min(width, height) < 1
        or samples - colors not in (0, 1)
        or not colors
        or bits not in ({16}, {32}, {64})
        or compression not in _COMPRESSIONS
        or predictor not in (_NO_PREDICTOR, _DIFFERENCES, _DIFFERENCES_OF_BYTES)
        or _number(tags, _Tag.PlanarConfiguration, _TOGETHER) != _TOGETHER
        or _number(tags, _Tag.FillOrder, 1) != 1
    ):
        raise UnsupportedFloatsError
    columns = _number(tags, _Tag.TileWidth) or width
    extra = _number(tags, _Tag.ExtraSamples)
    has_opacity = samples > colors and extra in (_PREMULTIPLIED, _OPACITY)
    return _Layout(
        *(width, height),
        mode="RGBA" if has_opacity else "RGB",
        colors=colors,
        samples=samples,
        size=bits.pop() // 8,
        order=order,
        columns=columns,
        across=math.ceil(width / columns),
        predictor=predictor,
        premultiplied=extra == _PREMULTIPLIED,
    )


def _with_other_header(data: bytes, tags: _Tags, layout: _Layout) -> bytes:
    """The file with a header that says that it holds its bytes as levels of four inks, or of gray.

    Raises:
        UnsupportedFloatsError: The picture has too many.
        SyntaxError: The header is damaged.
    """
    channels = 4 if layout.size >= 4 else 1
    columns = layout.columns * layout.samples * layout.size // channels
    if layout.across * columns * layout.height > _MAX_PIXELS:
        raise UnsupportedFloatsError
    tiled = _Tag.TileWidth in tags
    header = {tag: _numbers(tags, tag) for tag in (_TILE_PLACES if tiled else _PLACES)}
    header |= {_Tag.TileWidth: (columns,)} if tiled else {}
    header |= {
        _Tag.ImageWidth: (layout.across * columns,),
        _Tag.ImageLength: (layout.height,),
        _Tag.BitsPerSample: channels * (8,),
        _Tag.Compression: (_number(tags, _Tag.Compression, 1),),
        _Tag.PhotometricInterpretation: (_INKS if channels == 4 else _GRAY,),
        _Tag.SamplesPerPixel: (channels,),
    }
    header = {tag: values for tag, values in sorted(header.items()) if values}
    entries, more, place = b"", b"", len(data) + 2 + 12 * len(header) + 4
    for tag, values in header.items():
        stored = struct.pack(f"<{len(values)}I", *values)
        where = stored if len(values) == 1 else struct.pack("<I", place + len(more))
        entries += struct.pack("<HHI", tag, 4, len(values)) + where
        more += stored if len(values) > 1 else b""
    first = b"II*\0" + struct.pack("<I", len(data))
    return b"".join(
        (first, memoryview(data)[8:], struct.pack("<H", len(header)), entries, bytes(4), more)
    )


def _decode(data: bytes, layout: _Layout) -> Image.Image:
    """The picture, in bands of rows: numbers of 8 bytes take much more memory than levels."""
    picture = Image.new(layout.mode, (layout.width, layout.height))
    with TiffImagePlugin.TiffImageFile(io.BytesIO(data)) as stored:
        stored.load()
        rows = max(1, _BAND_BYTES // (stored.width * len(stored.getbands())))
        for top in range(0, layout.height, rows):
            box = (0, top, stored.width, min(top + rows, layout.height))
            values = _values(np.asarray(stored.crop(box)), layout)
            picture.paste(Image.fromarray(_levels(values, layout)), (0, top))
    return picture


def _values(stored: np.ndarray, layout: _Layout) -> np.ndarray:
    """The numbers in rows of bytes, of shape (rows, width, samples)."""
    height, tiles = len(stored), (len(stored) * layout.across, layout.columns)
    stored = stored.reshape(tiles[0], -1)
    kind = f"{layout.order}f{layout.size}"
    if layout.predictor == _DIFFERENCES_OF_BYTES:
        # Within a row, all highest bytes come first, then all second ones, and so on.
        steps = stored.reshape(tiles[0], -1, layout.samples)
        planes = np.add.accumulate(steps, axis=1, dtype=np.uint8).reshape(tiles[0], layout.size, -1)
        numbers = np.ascontiguousarray(planes.transpose(0, 2, 1)).view(f">f{layout.size}")
    elif layout.predictor == _DIFFERENCES:
        steps = stored.view(f"{layout.order}u{layout.size}")
        steps = steps.reshape(*tiles, layout.samples).astype(f"u{layout.size}")
        numbers = np.add.accumulate(steps, axis=1, dtype=steps.dtype).view(f"f{layout.size}")
    else:
        numbers = stored.view(kind)
    return numbers.reshape(height, -1, layout.samples)[:, : layout.width]


def _levels(values: np.ndarray, layout: _Layout) -> np.ndarray:
    """Levels of 8 bits of shape (rows, width, 3 or 4), not multiplied by opacity."""
    values = np.nan_to_num(values.astype(np.float32), nan=0.0, posinf=1.0, neginf=0.0)
    colors, opacity = values[..., : layout.colors], values[..., layout.colors :]
    if layout.mode == "RGBA" and layout.premultiplied:
        colors = np.divide(colors, opacity, out=np.zeros_like(colors), where=opacity > 0)
    channels = [np.broadcast_to(colors, (*colors.shape[:2], 3))]
    channels += [opacity] if layout.mode == "RGBA" else []
    return np.rint(255 * np.concatenate(channels, axis=2).clip(0, 1)).astype(np.uint8)


Image.register_open(FORMAT, FloatTiffFile, lambda prefix: prefix[:4] in _MAGIC)
