"""Small pictures and tables for the tests of batches."""

from __future__ import annotations

import csv
from pathlib import Path

from neural_style import save_image
from neural_style.cli import main
from tests.small_pictures import grainy


def save_pictures(folder: Path, *names: str) -> None:
    """Writes a small picture for each name; each name has its own picture."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        save_image(grainy(48, 64, seed=sum(name.encode())), folder / name)


def save_table(path: Path, *rows: dict[str, str]) -> str:
    """Writes a CSV file with the columns of the first row."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        table = csv.DictWriter(stream, [*rows[0]])
        table.writeheader()
        table.writerows(rows)
    return str(path)


def batch(*arguments: str | Path) -> int:
    """Runs the shell's command on pictures of 64 pixels, two iterations each."""
    return main(["batch", *map(str, arguments), "--size", "64", "--iterations", "2"])
