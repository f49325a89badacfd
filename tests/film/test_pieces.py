"""Films in pieces: their plan, interruption, order of painting, and how they are joined."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch

from neural_style import FileError, StateError, load_image
from neural_style.film.pieces import (
    Piece,
    is_painted,
    join_pieces,
    paint_piece,
    plan_pieces,
)
from neural_style.film.read import Film, open_film
from neural_style.film.repaint import repaint_film
from tests.film.small import WIDTH, paint, small_brush, small_film, sound_of

pytestmark = pytest.mark.usefixtures("tiny")


@pytest.fixture
def film(tmp_path) -> Film:
    """Six frames with a cut before the fifth."""
    return open_film(small_film(tmp_path / "film.mp4", 6, 4), WIDTH)


def spans(pieces: list[Piece]) -> list[tuple[int, int, int]]:
    return [(piece.start, piece.stop, piece.overlap) for piece in pieces]


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.png"))
    }


@pytest.mark.parametrize(
    ("length", "overlap", "expected"),
    [
        (None, 6, [(0, 10, 0)]),
        (10, 6, [(0, 10, 0)]),
        (6, 2, [(0, 6, 0), (6, 10, 0)]),
        (3, 2, [(0, 3, 0), (1, 6, 2), (6, 8, 0), (6, 10, 2)]),
        (3, 0, [(0, 3, 0), (3, 6, 0), (6, 8, 0), (8, 10, 0)]),
        (2, 9, [(0, 2, 0), (0, 4, 2), (0, 6, 4), (6, 8, 0), (6, 10, 2)]),
    ],
)
def test_plan_divides_at_cuts_and_long_scenes_with_overlap(length, overlap, expected, tmp_path):
    """Ten frames with a cut before the seventh."""
    film = open_film(small_film(tmp_path / "film.mp4"))
    pieces = plan_pieces(film, length, overlap)
    assert spans(pieces) == expected
    assert [piece.number for piece in pieces] == [*range(len(pieces))]


def test_pieces_painted_in_any_order_by_other_processes_are_the_same(film, tmp_path):
    """A worker gets the piece and the brush as bytes."""
    brush, pieces = small_brush(), plan_pieces(film, 3, 1)
    for number, piece in enumerate(pieces):
        for _ in paint_piece(piece, brush, tmp_path / "in order"):
            pass
        assert is_painted(piece, brush, tmp_path / "in order")
        sent = pickle.dumps((pieces[-1 - number], brush))
        for _ in paint_piece(*pickle.loads(sent), tmp_path / "backwards"):
            pass
    assert files_of(tmp_path / "in order") == files_of(tmp_path / "backwards")


def test_interrupted_piece_continues_with_the_same_pictures(film, tmp_path):
    brush, (piece,) = small_brush(), plan_pieces(film)
    whole = [*paint_piece(piece, brush, tmp_path / "whole")]
    assert whole == [*range(7)]
    for stop in (2, 5, 7):  # within a scene, and after the cut
        for done in paint_piece(piece, brush, tmp_path / "broken"):
            if done == stop:
                break
        assert not is_painted(piece, brush, tmp_path / "broken") or stop == 7
    assert files_of(tmp_path / "broken") == files_of(tmp_path / "whole")
    assert [*paint_piece(piece, brush, tmp_path / "broken")] == [6]


def test_pieces_of_other_settings_or_damaged_are_refused(film, tmp_path):
    (piece,) = plan_pieces(film)
    painting = paint_piece(piece, small_brush(), tmp_path)
    assert [next(painting), next(painting)] == [0, 1]
    painting.close()
    for brush in (small_brush(steps=3), small_brush(seed=2)):
        with pytest.raises(StateError, match="of another film, style or settings"):
            next(paint_piece(piece, brush, tmp_path))
    (tmp_path / "00000" / "last.pt").write_bytes(b"damaged")
    with pytest.raises(StateError, match="Delete that folder"):
        next(paint_piece(piece, small_brush(), tmp_path))


def test_folder_that_cannot_be_made_is_refused(film, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match="Cannot make the folder"):
        next(paint_piece(plan_pieces(film)[0], small_brush(), tmp_path / "file"))


def test_joined_pieces_equal_serial_result_up_to_overlap_and_are_blended_there(film, tmp_path):
    brush = small_brush()
    pieces = plan_pieces(film, 3, 1)
    assert spans(pieces) == [(0, 2, 0), (1, 4, 1), (4, 6, 0)]
    for piece in pieces:
        for _ in paint_piece(piece, brush, tmp_path / "pieces"):
            pass
    joined = join_pieces(pieces, tmp_path / "pieces", tmp_path / "out")
    serial = paint([frame.image for frame in film.frames()], brush)
    for number in (0, 4, 5):  # before the overlap of its scene
        shown = load_image(joined / f"{number:06}.png")
        assert torch.allclose(shown, serial[number].image, atol=0.5 / 255 + 1e-6)
    # Frame 1 is the second of the first piece and the first of the second, half of each.
    first, second = (
        load_image(tmp_path / "pieces" / name) for name in ("00000/000001.png", "00001/000000.png")
    )
    assert torch.allclose(load_image(joined / "000001.png"), (first + second) / 2, atol=0.01)
    assert (first - second).abs().max() > 0.05


def test_repainted_film_has_times_sound_and_size_also_after_an_interruption(film, tmp_path):
    outputs = [tmp_path / "whole.mp4", tmp_path / "broken.mp4"]
    for progress in repaint_film(film.path, small_brush(), outputs[1]):
        if progress.painted == 3:
            break
    assert next(repaint_film(film.path, small_brush(), outputs[1])).painted == 3
    for output, begun in zip(outputs, (0, 3), strict=True):
        *progress, last = repaint_film(film.path, small_brush(), output)
        assert [one.painted for one in progress] == [*range(begun, 7)]
        assert {one.count for one in progress} == {6}
        assert progress[0].seconds_left == 0
        assert progress[2].seconds_left > 0
        assert last.output == output
    assert outputs[0].read_bytes() == outputs[1].read_bytes()
    assert [*open_film(outputs[0]).times()] == [*film.times()]
    assert sound_of(outputs[0]) == sound_of(film.path)
    assert next(open_film(outputs[0]).frames()).image.shape == (1, 3, 48, 64)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"film.mp4", "whole.mp4", "broken.mp4"}
