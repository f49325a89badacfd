"""Films of a run: number, order, size and colors of the frames."""

from __future__ import annotations

import av
import numpy as np
import pytest
import torch
from PIL import Image

from neural_style import FileError, ImageError
from neural_style.images.video import FRAMES, LONGEST_SIDE, film_every, film_frame, save_film
from tests.conftest import picture


def flat(level: float, height: int = 42, width: int = 64) -> torch.Tensor:
    return torch.full((1, 3, height, width), level)


def frames_of(path) -> list[np.ndarray]:
    if path.suffix == ".webp":
        with Image.open(path) as film:
            frames = []
            for number in range(film.n_frames):
                film.seek(number)
                frames.append(np.asarray(film.convert("RGB")))
            return frames
    with av.open(str(path)) as film:
        return [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]


@pytest.mark.parametrize(
    ("iterations", "every"), [(1, 1), (100, 1), (101, 2), (200, 2), (2000, 20), (100_000, 1000)]
)
def test_film_every_limits_film_to_100_frames(iterations, every):
    assert film_every(iterations) == every
    assert iterations // every <= FRAMES


@pytest.mark.parametrize(("ending", "held"), [(".webp", 1), (".mp4", 25)])
def test_save_film_writes_frames_in_order_and_holds_last(ending, held, tmp_path):
    levels = (0.2, 0.5, 0.8)
    path = save_film(map(flat, levels), tmp_path / f"film{ending}", 64)
    frames = frames_of(path)
    assert len(frames) == 2 + held
    assert {frame.shape for frame in frames} == {(42, 64, 3)}
    seen = [frame.mean() / 255 for frame in (*frames[:2], frames[-1])]
    assert seen == pytest.approx(levels, abs=0.02)


@pytest.mark.parametrize("ending", [".webp", ".mp4"])
def test_save_film_preserves_colors(ending, tmp_path):
    seen = picture(64, 96, seed=4)
    frames = frames_of(save_film([seen, seen], tmp_path / f"film{ending}", 96))
    levels = 255 * seen[0].permute(1, 2, 0).numpy()
    for frame in frames:
        assert np.abs(frame - levels).mean() < 6


@pytest.mark.parametrize("ending", [".webp", ".mp4"])
def test_save_film_resizes_growing_images_to_one_size(ending, tmp_path):
    growing = [picture(21, 32), picture(43, 64), picture(85, 128)]
    frames = frames_of(save_film(growing, tmp_path / f"film{ending}", 128))
    assert {frame.shape for frame in frames} == {(84, 128, 3)}


def test_film_frames_are_shrunk_to_longest_side(tmp_path):
    large = picture(400, 1000)
    assert film_frame(large).shape == (1, 3, round(400 * LONGEST_SIDE / 1000), LONGEST_SIDE)
    assert film_frame(flat(0.5)).shape == (1, 3, 42, 64)
    (shown,) = frames_of(save_film([large], tmp_path / "film.webp", 1000))
    assert shown.shape[1] == LONGEST_SIDE


def test_save_film_refuses_unknown_suffix_and_missing_folder(tmp_path):
    with pytest.raises(ImageError, match=r"a film's ending is one of \.webp, \.mp4, not \.gif"):
        save_film([flat(0.0)], tmp_path / "film.gif", 64)
    with pytest.raises(FileError, match="Cannot write into"):
        save_film([flat(0.0)], tmp_path / "nowhere" / "film.mp4", 64)
