"""Written films: times, colors, sound, sizes, and whole or not at all."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch

from neural_style import FileError, ImageError
from neural_style.film.read import FilmFrame, open_film
from neural_style.film.write import check_output, write_film
from tests.conftest import picture
from tests.film.sample import write_sample
from tests.film.small import small_film, small_frames, sound_of

BASE = Fraction(1, 600)


def timed(frames: list[torch.Tensor], times=None) -> list[FilmFrame]:
    times = times or range(0, 25 * len(frames), 25)
    return [FilmFrame(image, time * BASE) for image, time in zip(frames, times, strict=True)]


def test_times_are_kept(tmp_path):
    times = [0, 25, 125, 150, 151, 600]
    path = write_film(timed(small_frames(6), times), tmp_path / "out.mp4", BASE)
    assert [*open_film(path).times()] == [time * BASE for time in times]


@pytest.mark.parametrize("color", [(0.5, 0.5, 0.5), (1.0, 0.0, 0.0), (0.1, 0.7, 0.3), (1, 1, 1)])
def test_colors_are_kept(color, tmp_path):
    flat = torch.tensor([float(level) for level in color]).view(1, 3, 1, 1).expand(1, 3, 48, 64)
    path = write_film(timed([flat] * 2), tmp_path / "out.mp4", BASE)
    for frame in open_film(path).frames():
        assert (frame.image - flat).abs().max() < 0.015


def test_sound_is_kept_bit_for_bit(tmp_path):
    film = small_film(tmp_path / "film.mp4")
    path = write_film(open_film(film).frames(), tmp_path / "out.mp4", BASE, film)
    assert sound_of(path) == sound_of(film)
    assert len(sound_of(path)) > 10


def test_sound_that_mp4_may_not_hold_is_encoded_anew(tmp_path):
    film = small_film(tmp_path / "film.mkv", sound="pcm_s16le")
    path = write_film(open_film(film).frames(), tmp_path / "out.mp4", BASE, film)
    seconds = len(sound_of(path)) * 1024 / 44_100
    assert seconds == pytest.approx(10 / 24, abs=0.06)


def test_film_without_sound_is_written_without(tmp_path):
    film = small_film(tmp_path / "film.mp4", sound=None)
    path = write_film(open_film(film).frames(), tmp_path / "out.mp4", BASE, film)
    assert len([*open_film(path).frames()]) == 10


def test_odd_sides_lose_a_pixel(tmp_path):
    path = write_film(timed([picture(47, 65)] * 2), tmp_path / "out.mp4", BASE)
    frame = next(open_film(path).frames())
    assert frame.image.shape == (1, 3, 46, 64)
    assert (frame.image - picture(47, 65)[..., :46, :64]).abs().mean() < 0.03


def test_folder_gets_one_picture_a_frame(tmp_path):
    write_film(timed(small_frames(3)), tmp_path / "out", BASE)
    frames = [frame.image for frame in open_film(tmp_path / "out").frames()]
    for one, other in zip(frames, small_frames(3), strict=True):
        assert torch.allclose(one, other, atol=0.5 / 255 + 1e-6)


def test_failure_leaves_the_earlier_film(tmp_path):
    path = write_sample(tmp_path / "out.mp4", small_frames(2))
    before = path.read_bytes()

    def failing():
        yield from timed(small_frames(2))
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        write_film(failing(), path, BASE)
    assert path.read_bytes() == before
    assert [*tmp_path.iterdir()] == [path]


def test_other_endings_and_missing_folders_are_refused(tmp_path):
    with pytest.raises(ImageError, match=r"out\.gif: a repainted film is a file \.mp4"):
        check_output(tmp_path / "out.gif")
    with pytest.raises(FileError, match="Make that folder first"):
        check_output(tmp_path / "none" / "out.mp4")
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match="Cannot make the folder"):
        check_output(tmp_path / "file")
