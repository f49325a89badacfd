"""Repaints a whole film, from a file or folder to a file or folder."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from neural_style.film.pieces import Brush, join_pieces, paint_piece, plan_pieces
from neural_style.film.read import open_film
from neural_style.film.write import check_output
from neural_style.network.reuse import Reuse


class FilmProgress(NamedTuple):
    """How far a film is.

    Attributes:
        painted, count: Painted frames, and all.
        seconds: Time since the start.
        seconds_left: Estimated time to the end; 0.0 before the second frame.
        output: The finished film; None until it is written.
    """

    painted: int
    count: int
    seconds: float
    seconds_left: float
    output: Path | None = None


def frames_folder(output: Path) -> Path:
    """The folder, beside the output, where painted frames are kept until the film is written."""
    return output.with_name(f".{output.name}.frames")


def repaint_film(
    film: str | os.PathLike[str],
    brush: Brush,
    output: str | os.PathLike[str],
    *,
    folder: str | os.PathLike[str] | None = None,
    reuse: Reuse | None = None,
) -> Iterator[FilmProgress]:
    """Repaints a film and writes it, with its sound.

    Frames are kept in a folder until the film is written. If it is interrupted, the same call
    continues after the last finished frame, with the same result.

    Args:
        film: A video file, or a folder of pictures, whose names are their order.
        output: `.mp4`, or a folder for PNGs.
        folder: Where frames are kept meanwhile; None for a folder beside the output.

    Yields:
        The progress before the first frame, after each, and when the film is written.

    Raises:
        ImageError: The film cannot be read, or has no video.
        FileError: The film cannot be written there.
        StateError: The folder has frames of another film, style or settings.
        NeuralStyleError: As `stylize`.
    """
    output = check_output(output)
    folder = Path(folder or frames_folder(output))
    pieces = plan_pieces(open_film(film, brush.settings.size))
    count = pieces[-1].stop
    started, first = time.monotonic(), None
    for piece in pieces:
        for done in paint_piece(piece, brush, folder, reuse):
            now, painted = time.monotonic() - started, piece.start + done
            first = first or (now, painted)
            pace = (now - first[0]) / max(1, painted - first[1])
            yield FilmProgress(painted, count, now, pace * (count - painted))
    join_pieces(pieces, folder, output)
    shutil.rmtree(folder)
    yield FilmProgress(count, count, time.monotonic() - started, 0.0, output)
