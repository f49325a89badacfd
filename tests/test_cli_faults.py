"""The shell on a disk that is full or can only be read: one sentence, and what is kept."""

from __future__ import annotations

import pytest

from neural_style import load_image
from tests.faulty_disk import FULL, READ_ONLY, faulty_disk
from tests.test_cli import run


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("reason", [FULL, READ_ONLY])
@pytest.mark.parametrize("what", ["picture", "frames", "frame", "film"])
def test_what_cannot_be_written_is_told_in_one_line(what, reason, tmp_path, capsys):
    options = {
        "picture": (),
        "frames": ("--frames", str(tmp_path / "frames")),
        "frame": ("--frames", str(tmp_path)),
        "film": ("--time-lapse", str(tmp_path / "film.webp")),
    }[what]
    out, written = tmp_path / "out.png", [0]

    def fails(name: str) -> bool:
        """Whether it is that file's turn: the film is written after the picture."""
        written[0] += name.endswith(".part")
        return {"frame": written[0] == 2, "film": out.exists()}.get(what, True)

    with faulty_disk(tmp_path, reason, fails) as refused:
        code = run("-o", str(out), "--size", "64", "--iterations", "8", *options)
    said = capsys.readouterr().err
    assert refused
    assert (code, said.count(reason), "Traceback" in said) == (2, 1, False)
    assert out.exists() == (what in ("frame", "film"))
    if out.exists():
        assert load_image(out).shape == (1, 3, 43, 64)
