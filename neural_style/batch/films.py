"""Films as batches: in this process frame by frame, on a cluster in pieces."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from neural_style.batch.jobs import Outcome, Worker, attempt
from neural_style.batch.places import absolute
from neural_style.batch.pool import Line, Pool
from neural_style.batch.progress import Progress
from neural_style.errors import FileError, ImageError
from neural_style.film.paint import Later
from neural_style.film.pieces import Brush, Piece, join_pieces, paint_piece, plan_pieces
from neural_style.film.read import open_film
from neural_style.film.repaint import FilmProgress, frames_folder, repaint_film
from neural_style.film.write import check_output
from neural_style.settings.settings import Settings

FILM_ENDINGS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".gif")
"""Endings of the files that are taken for films; others are tables. What is in them decides."""


class FilmTask(NamedTuple):
    """A film to be repainted.

    Attributes:
        film: Path of the file, or of a folder of frames.
        styles: Paths of the style images.
        output: Path of the result.
        settings: Settings of the first frame of each scene.
        later: How the frames after it are painted.
    """

    film: Path
    styles: tuple[str, ...]
    output: Path
    settings: Settings
    later: Later

    def brush(self, worker: Worker) -> Brush:
        """What the frames are painted with."""
        styles, parts = worker.styles(self.styles)
        return Brush(styles, worker.limited(self.settings), parts, self.later)


class FilmPiece(NamedTuple):
    """One piece of a film, as a job of a batch."""

    task: FilmTask
    piece: Piece
    folder: Path

    @property
    def name(self) -> str:
        return f"frames {self.piece.start + 1} to {self.piece.stop}"

    @property
    def styles(self) -> tuple[str, ...]:
        return self.task.styles

    def run(self, worker: Worker) -> Outcome:
        return attempt(self.name, lambda started: self._paint(worker, started))

    def _paint(self, worker: Worker, started: float) -> Outcome:
        for _ in paint_piece(self.piece, self.task.brush(worker), self.folder, worker.reuse):
            pass
        return Outcome(self.name, None, time.monotonic() - started)


def is_film(path: str) -> bool:
    """Whether the path is that of a film or of a folder, not of a table."""
    return path.lower().endswith(FILM_ENDINGS) or Path(path).is_dir()


def film_task(
    film: str, styles: Sequence[str], output: str, settings: Settings, later: Later
) -> FilmTask:
    """The task, with paths that mean the same on all machines with these disks.

    Raises:
        ImageError: There is no style, or the output's ending names no film.
        FileError: It cannot be written, or there is a file or a folder with files of that name.
    """
    if not styles:
        raise ImageError("picture.no_style")
    place = check_output(absolute(output))
    if place.is_file() or (place.is_dir() and any(place.iterdir())):
        raise FileError("film.exists", path=output)
    return FilmTask(Path(absolute(film)), tuple(map(absolute, styles)), place, settings, later)


def paint_here(task: FilmTask, worker: Worker, progress: Progress) -> None:
    """Paints the film in this process, and tells of each frame.

    Raises:
        NeuralStyleError: A frame cannot be painted. The frames before it are kept.
    """
    last: FilmProgress | None = None
    for now in repaint_film(task.film, task.brush(worker), task.output, reuse=worker.reuse):
        if last is None:
            progress.begin(now.count - now.painted, now.painted)
        elif now.painted > last.painted:
            progress.tell(Outcome(f"frame {now.painted}", None, now.seconds - last.seconds))
        last = now


def paint_in_pieces(task: FilmTask, length: int, pool: Pool, progress: Progress) -> bool:
    """Paints the film on many workers, and tells of each piece; whether it is finished.

    The folder of the output must be one that all workers share.

    Args:
        length: Most frames of a piece. Scenes are divided, and the parts faded into each other.

    Raises:
        ImageError: The film cannot be read, or has no video.
    """
    folder = frames_folder(task.output)
    pieces = plan_pieces(open_film(task.film, task.settings.size), length)
    failed = False
    progress.begin(len(pieces), 0)
    for outcome in pool.run(Line([FilmPiece(task, piece, folder) for piece in pieces])):
        progress.tell(outcome)
        failed = failed or outcome.error is not None
    if not failed:
        join_pieces(pieces, folder, task.output)
        shutil.rmtree(folder)
    return not failed
