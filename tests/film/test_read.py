"""Films as they come: rotated, of variable rate, with alpha, without video, damaged, folders."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import av
import pytest
import torch

from neural_style import ImageError, save_image
from neural_style.film.read import Film, open_film
from tests.conftest import picture
from tests.film.sample import write_sample
from tests.film.small import HEIGHT, WIDTH, small_film, small_frames


def images(path: Path, **options) -> list[torch.Tensor]:
    return [frame.image for frame in open_film(path, **options).frames()]


def test_frames_are_those_that_were_written(tmp_path):
    frames = small_frames(6, 4)
    seen = images(write_sample(tmp_path / "film.mp4", frames))
    assert len(seen) == 6
    for one, other in zip(seen, frames, strict=True):
        assert one.shape == other.shape
        assert (one - other).abs().mean() < 0.05


def test_frames_between_two_numbers_are_the_same_as_in_the_whole(tmp_path):
    film = open_film(small_film(tmp_path / "film.mp4"))
    whole, part = [*film.frames()], [*film.frames(3, 7)]
    assert [frame.time for frame in part] == [frame.time for frame in whole[3:7]]
    assert all(torch.equal(a.image, b.image) for a, b in zip(part, whole[3:7], strict=True))


def test_frames_are_shrunk_while_reading(tmp_path):
    seen = images(small_film(tmp_path / "film.mp4"), longest=32)
    assert seen[0].shape == (1, 3, 24, 32)


def test_variable_rate_is_kept(tmp_path):
    times = [0, 25, 125, 150, 151, 600]
    film = open_film(write_sample(tmp_path / "film.mp4", small_frames(6), times))
    assert [frame.time for frame in film.frames()] == [Fraction(time, 600) for time in times]
    assert [*film.times()] == [Fraction(time, 600) for time in times]


def turn(path: Path, degrees: int) -> Path:
    """Writes a rotation into the track header of an MP4, as phones do."""
    sine, cosine = {90: (1, 0), 180: (0, -1), 270: (-1, 0)}[degrees]
    data = bytearray(path.read_bytes())
    place = data.index(b"tkhd") + 4 + 40  # version 0: the matrix follows 40 bytes
    matrix = (cosine, sine, 0, -sine, cosine, 0, 0, 0, 1)
    scales = (1 << 16, 1 << 16, 1 << 30) * 3
    numbers = [value * scale for value, scale in zip(matrix, scales, strict=True)]
    data[place : place + 36] = struct.pack(">9i", *numbers)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(("degrees", "turns"), [(90, -1), (180, 2), (270, 1)])
def test_rotated_film_is_read_upright(degrees, turns, tmp_path):
    """The header of a phone's film says by how much players turn it clockwise."""
    lying = torch.rot90(small_frames(1)[0], -turns, (2, 3))
    path = write_sample(tmp_path / "film.mp4", [lying] * 2, sound=None)
    plain = images(path)[0]
    turned = images(turn(path, degrees))[0]
    assert turned.shape == (1, 3, HEIGHT, WIDTH)
    assert torch.equal(turned, torch.rot90(plain, turns, (2, 3)))
    assert (turned - small_frames(1)[0]).abs().mean() < 0.05


@pytest.mark.parametrize(
    ("name", "codec", "form"),
    [("film.mov", "qtrle", "argb"), ("film.webm", "libvpx-vp9", "yuva420p")],
)
def test_transparent_film_is_read_over_white(name, codec, form, tmp_path):
    clear = torch.zeros(1, 4, HEIGHT, WIDTH)
    clear[:, 0, :, : WIDTH // 2] = 1
    clear[:, 3, :, : WIDTH // 2] = 1
    path = write_sample(tmp_path / name, [clear] * 3, sound=None, codec=codec, form=form)
    for seen in images(path):
        left, right = seen[..., : WIDTH // 2 - 4], seen[..., WIDTH // 2 + 4 :]
        assert torch.allclose(left.mean((2, 3)), torch.tensor([[1.0, 0, 0]]), atol=0.03)
        assert torch.allclose(right.mean((2, 3)), torch.ones(1, 3), atol=0.03)


def test_pixels_that_are_not_square_are_made_square(tmp_path):
    path = tmp_path / "film.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24)
        stream.height, stream.width, stream.pix_fmt = HEIGHT, WIDTH, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(2, 1)
        levels = (255 * small_frames(1)[0][0]).byte().permute(1, 2, 0).contiguous().numpy()
        container.mux(stream.encode(av.VideoFrame.from_ndarray(levels)))
        container.mux(stream.encode())
    assert images(path)[0].shape == (1, 3, HEIGHT, 2 * WIDTH)


def test_sound_alone_is_no_film(tmp_path):
    path = write_sample(tmp_path / "film.mp4", small_frames(3))
    sound = tmp_path / "sound.mp4"
    with av.open(str(path)) as source, av.open(str(sound), "w") as target:
        stream = target.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(source.streams.audio[0]):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    with pytest.raises(ImageError, match=r"sound\.mp4 has no video stream"):
        open_film(sound)


@pytest.mark.parametrize("content", [b"", b"no film at all" * 100])
def test_other_files_are_refused(content, tmp_path):
    path = tmp_path / "film.mp4"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=r"Cannot read film\.mp4 as a film"):
        open_film(path)


def test_missing_film_is_refused(tmp_path):
    with pytest.raises(ImageError, match="No such file"):
        open_film(tmp_path / "film.mp4")


def test_film_that_is_cut_short_ends_where_it_does(tmp_path):
    path = small_film(tmp_path / "film.mkv")
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 4])
    assert 0 < len(images(path)) < 10


def test_folder_of_pictures_is_a_film_in_the_order_of_names(tmp_path):
    (tmp_path / "notes.txt").touch()
    for name, level in (("b.png", 0.5), ("a.png", 0.25), ("c.png", 1.0)):
        save_image(torch.full((1, 3, 24, 32), level), tmp_path / name)
    frames = [*open_film(tmp_path).frames()]
    assert [round(frame.image.mean().item(), 2) for frame in frames] == [0.25, 0.5, 1.0]
    assert [frame.time for frame in frames] == [0, Fraction(1, 25), Fraction(2, 25)]
    assert [*Film(tmp_path).times()] == [frame.time for frame in frames]


def test_folder_without_pictures_and_with_unequal_ones_is_refused(tmp_path):
    with pytest.raises(ImageError, match="has no pictures"):
        open_film(tmp_path)
    save_image(picture(24, 32), tmp_path / "a.png")
    save_image(picture(32, 32), tmp_path / "b.png")
    with pytest.raises(ImageError, match=r"b\.png is 32×32; the pictures before it are 32×24"):
        images(tmp_path)
