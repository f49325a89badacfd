"""Paints a film in pieces that can be painted anywhere, in any order, and continued.

`plan_pieces` reads the film once and divides it; `paint_piece` paints one piece into a folder;
`join_pieces` makes the film from the folder.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import torch

from neural_style.errors import ImageError, StateError
from neural_style.files import load_tensors, make_folder, not_written, write_atomically
from neural_style.film.cuts import find_cuts
from neural_style.film.paint import Last, Later, paint_frames
from neural_style.film.read import Film, FilmFrame
from neural_style.film.write import write_film
from neural_style.images.files import load_image, resize, save_image
from neural_style.images.sizes import fit
from neural_style.matching.indices import pack_matches, unpack_matches
from neural_style.network.reuse import Reuse
from neural_style.run.previous import Carried
from neural_style.settings.settings import Settings, knobs
from neural_style.tensors import ImageTensor, Mask, digest


@dataclass(frozen=True)
class Piece:
    """Consecutive frames of a film that one worker paints. It can be pickled.

    Attributes:
        film: The film; a worker needs its file.
        number: Number of the piece, from 0.
        start, stop: The first frame that is painted, and the one after the last.
        overlap: How many of the first frames the piece before has, too; they are blended. 0 at a
            cut and at the start of the film.
    """

    film: Film
    number: int
    start: int
    stop: int
    overlap: int = 0

    @property
    def count(self) -> int:
        """The number of frames to paint."""
        return self.stop - self.start


class Brush(NamedTuple):
    """Everything that the frames of a film are painted with. It can be pickled.

    Attributes:
        styles, settings, parts: As in `paint_frames`.
        later: How frames after the first are painted.
    """

    styles: Sequence[ImageTensor]
    settings: Settings
    parts: Sequence[ImageTensor | Mask] = ()
    later: Later = Later()


def plan_pieces(film: Film, length: int | None = None, overlap: int = 6) -> list[Piece]:
    """Divides a film at its cuts, and scenes that are too long where they are.

    The film is read once, to find the cuts. Short scenes are painted together.

    Args:
        length: Most frames of a piece, without the overlap; None for the whole film in one.
        overlap: Frames that are painted twice and blended where a scene is divided.

    Raises:
        ImageError: The film cannot be read.
    """
    cuts = [*find_cuts(frame.image for frame in film.frames())]
    begins = [0, *(number for number, cut in enumerate(cuts) if cut), len(cuts)]
    spans: list[tuple[int, int, int]] = []
    for begin, end in pairwise(begins):
        if length is None or (spans and end - spans[-1][0] <= length and not spans[-1][2]):
            first = spans.pop()[0] if spans else begin
            spans.append((first, end, 0))
            continue
        parts = -(-(end - begin) // length)
        for k in range(parts):
            start, stop = (begin + (end - begin) * part // parts for part in (k, k + 1))
            shared = min(overlap, start - spans[-1][0]) if k else 0
            spans.append((start - shared, stop, shared))
    return [Piece(film, number, *span) for number, span in enumerate(spans)]


def paint_piece(
    piece: Piece, brush: Brush, folder: Path, reuse: Reuse | None = None
) -> Iterator[int]:
    """Paints a piece into a folder, where an interrupted one continues with the same pictures.

    Yields:
        The number of painted frames of this piece: after those that were there, and each further.

    Raises:
        StateError: The folder has frames of another film, style or settings.
        FileError: The folder cannot be written to.
        NeuralStyleError: As `stylize`.
    """
    own = folder / f"{piece.number:05}"
    make_folder(own)
    key = _key(piece, brush)
    done, scene, last = _reached(piece, brush, own, key)
    yield done
    if done == piece.count:
        return
    frames = (frame.image for frame in piece.film.frames(piece.start + done, piece.stop))
    painting = paint_frames(
        frames, brush.styles, brush.settings, brush.later, parts=brush.parts, last=last, reuse=reuse
    )
    for painted in painting:
        save_image(painted.image, _picture(own, done))
        scene = piece.start + done if painted.begins else scene
        done += 1
        _save_state(own, key, done, scene, painted.last.carried)
        yield done


def is_painted(piece: Piece, brush: Brush, folder: Path) -> bool:
    """Whether all frames of a piece are in the folder."""
    own = folder / f"{piece.number:05}"
    return own.is_dir() and _reached(piece, brush, own, _key(piece, brush))[0] == piece.count


def join_pieces(pieces: Sequence[Piece], folder: Path, output: Path) -> Path:
    """Writes the film from the painted pieces, with the sound of the film that was read.

    Where two pieces overlap, the earlier is faded into the later.

    Args:
        pieces: All of one film, each painted to its end.

    Raises:
        StateError: A frame is missing or damaged.
        FileError: The film cannot be written there.
    """
    film = pieces[0].film
    images = (_joined(pieces, folder, number) for number in range(pieces[-1].stop))
    frames = (FilmFrame(image, time) for image, time in zip(images, film.times(), strict=False))
    return write_film(frames, output, film.time_base(), film.path)


def _joined(pieces: Sequence[Piece], folder: Path, number: int) -> ImageTensor:
    """A frame of the film; where two pieces have it, a mixture."""
    having = [piece for piece in pieces if piece.start <= number < piece.stop]
    try:
        images = [
            load_image(_picture(folder / f"{piece.number:05}", number - piece.start))
            for piece in having
        ]
    except ImageError as error:
        raise StateError("film.damaged_piece", folder=str(folder)) from error
    mixed = images[0]
    for piece, image in zip(having[1:], images[1:], strict=True):
        mixed = torch.lerp(mixed, image, (number - piece.start + 1) / (piece.overlap + 1))
    return mixed


def _picture(folder: Path, number: int) -> Path:
    return folder / f"{number:06}.png"


def _key(piece: Piece, brush: Brush) -> str:
    """Digest of all that the pictures of a piece depend on, except the film's content."""
    free = {name for name, about in knobs().items() if about.metadata["host"]}
    chosen = {name: value for name, value in asdict(brush.settings).items() if name not in free}
    flow_of = brush.later.flow_of
    named = getattr(flow_of, "__name__", type(flow_of).__name__)  # its repr differs by process
    about = [
        *(piece.film.fingerprint(), piece.film.longest, piece.start, piece.stop, chosen),
        *(brush.later.steps, brush.later.hold, named),
        *(*map(digest, brush.styles), *map(digest, brush.parts)),
    ]
    return hashlib.sha256(repr(about).encode()).hexdigest()


def _save_state(folder: Path, key: str, done: int, scene: int, carried: Carried) -> None:
    """Keeps what the next frame is painted from, so that the piece can be continued exactly.

    Args:
        scene: Number of the first frame of the scene.
    """
    matches = None if carried.matches is None else pack_matches(carried.matches, None)
    state = {"key": key, "done": done, "scene": scene, "image": carried.image, "matches": matches}
    path = folder / _STATE
    try:
        with write_atomically(path) as partial, partial.open("wb") as stream:
            torch.save(state, stream)
    except OSError as error:
        raise not_written(path, error) from error


def _reached(piece: Piece, brush: Brush, folder: Path, key: str) -> tuple[int, int, Last | None]:
    """How many frames are painted, where the scene began, and what the next is painted from."""
    path = folder / _STATE
    if not path.exists():
        return 0, piece.start, None
    try:
        state = load_tensors(path)
    except (OSError, ValueError) as error:
        raise StateError("film.damaged_piece", folder=str(folder)) from error
    if not isinstance(state, dict) or not state.keys() >= _FIELDS:
        raise StateError("film.damaged_piece", folder=str(folder))
    if state["key"] != key:
        raise StateError("film.other_piece", folder=str(folder))
    done, scene = state["done"], state["scene"]
    if done == piece.count:
        return done, scene, None
    frame, first = (
        resize(image, *fit(*image.shape[-2:], brush.settings.size))
        for image in (_frame(piece.film, piece.start + done - 1), _frame(piece.film, scene))
    )
    return done, scene, Last(frame, _carried(state), first)


def _frame(film: Film, number: int) -> ImageTensor:
    return next(film.frames(number, number + 1)).image


def _carried(state: dict[str, Any]) -> Carried:
    matches = None if state["matches"] is None else unpack_matches(state["matches"])[0]
    return Carried(state["image"], matches)


_FIELDS = {"key", "done", "scene", "image", "matches"}

_STATE = "last.pt"
"""Name of the file that holds what the next frame is painted from."""
