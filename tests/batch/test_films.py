"""Films by the shell's command `batch`, in this process and in pieces."""

from __future__ import annotations

import json
import pickle

import av
import pytest

from neural_style import Settings
from neural_style.batch import films
from neural_style.batch.films import film_task, paint_here, paint_in_pieces
from neural_style.batch.jobs import Worker
from neural_style.batch.pool import LocalPool
from neural_style.batch.progress import ForPeople
from neural_style.film.paint import Later
from neural_style.interrupts import INTERRUPTED
from neural_style.plan.clock import Speed
from tests.batch.small_batches import batch, save_pictures
from tests.film.small import small_film, sound_of

pytestmark = pytest.mark.usefixtures("tiny")
FEW = "--later-iterations", "1"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working folder, with a film of four frames with a cut before the third, and a style."""
    small_film(tmp_path / "film.mp4", 4, 2)
    save_pictures(tmp_path, "one.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def task(folder):
    settings = Settings(size=64, iterations=1, precision="fp32")
    return film_task("film.mp4", ["one.png"], "out.mp4", settings, Later(steps=1))


def shape_of(path) -> tuple[int, int, int]:
    """Frames, height and width of a film."""
    with av.open(str(path)) as film:
        frames = [*film.decode(video=0)]
        return len(frames), frames[0].height, frames[0].width


def test_a_film_is_painted_with_its_sound(folder, capfd):
    assert batch("film.mp4", "--style", "one.png", "-o", "out.mp4", *FEW) == 0
    assert shape_of("out.mp4") == (4, 48, 64)
    assert sound_of(folder / "out.mp4") == sound_of(folder / "film.mp4")
    assert "4 painted in" in capfd.readouterr().err
    assert not [path for path in folder.iterdir() if path.name.startswith(".out")]


def test_a_folder_of_frames_becomes_a_film(folder, capfd):
    save_pictures(folder / "frames", "1.png", "2.png")
    assert batch("frames", "--style", "one.png", "-o", "out.mp4", "--json", *FEW) == 0
    events = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    told = [event["name"] for event in events if event["event"] == "done"]
    assert told == ["frame 1", "frame 2"]
    assert shape_of("out.mp4") == (2, 48, 64)


def test_an_interrupted_film_continues(folder, monkeypatch, capfd):
    told = ForPeople.tell

    def interrupting(self, outcome):
        told(self, outcome)
        if outcome.name == "frame 2":
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(ForPeople, "tell", interrupting)
        arguments = "film.mp4", "--style", "one.png", "-o", "out.mp4", *FEW
        assert batch(*arguments) == INTERRUPTED
    assert "Run the same command again" in capfd.readouterr().err
    assert batch(*arguments) == 0
    assert "2 painted in" in capfd.readouterr().err
    assert shape_of("out.mp4") == (4, 48, 64)


def test_files_of_others_are_not_replaced(folder, capfd):
    """A film under another name, and a folder with a picture."""
    (folder / "link.mp4").symlink_to(folder / "film.mp4")
    save_pictures(folder / "mine", "000000.png")
    before = (folder / "film.mp4").read_bytes(), (folder / "mine" / "000000.png").read_bytes()
    for arguments in (("link.mp4", "-o", "film.mp4"), ("film.mp4", "-o", "mine")):
        assert batch(*arguments, "--style", "one.png") == 2
        assert "exists. Move it away" in capfd.readouterr().err
    after = (folder / "film.mp4").read_bytes(), (folder / "mine" / "000000.png").read_bytes()
    assert after == before


def test_pieces_paint_the_same_film(task, folder):
    paint_here(task, Worker(), ForPeople())
    whole = (folder / "out.mp4").read_bytes()
    (folder / "out.mp4").unlink()
    assert paint_in_pieces(task, 2, LocalPool(Worker()), ForPeople())
    assert (folder / "out.mp4").read_bytes() == whole


def test_a_piece_that_fails_leaves_the_others_for_the_next_time(task, folder, monkeypatch, capfd):
    paint_piece, painted = films.paint_piece, []

    def failing(piece, brush, *rest):
        painted.append(piece.number)
        if piece.number == 0 and len(painted) == 1:
            raise MemoryError
        return paint_piece(piece, brush, *rest)

    monkeypatch.setattr(films, "paint_piece", failing)
    assert not paint_in_pieces(task, 2, LocalPool(Worker()), ForPeople())
    assert "frames 1 to 2: Memory ran out" in capfd.readouterr().err
    assert not (folder / "out.mp4").exists()
    assert paint_in_pieces(task, 2, LocalPool(Worker()), ForPeople())
    assert shape_of("out.mp4") == (4, 48, 64)


def test_pieces_can_be_sent_to_other_machines(task, folder):
    sent = []

    class Sending(LocalPool):
        def run(self, line):
            for outcome in super().run(line):
                sent.append(outcome)
                yield pickle.loads(pickle.dumps(outcome))

    assert pickle.loads(pickle.dumps(task)) == task
    assert paint_in_pieces(task, 2, Sending(Worker()), ForPeople())
    assert [outcome.name for outcome in sent] == ["frames 1 to 2", "frames 3 to 4"]


def test_a_dry_run_tells_frames_scenes_and_time(folder, monkeypatch, capfd):
    speed = Speed(1000.0, 0.1)
    monkeypatch.setattr("neural_style.batch.estimate.measure_speed", lambda *_: speed)
    assert batch("film.mp4", "--style", "one.png", "-o", "out.mp4", "--dry-run") == 0
    assert "4 frames in 2 scenes. One worker like this machine" in capfd.readouterr().out
    assert not (folder / "out.mp4").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("film.mp4", "-o", "out.mp4"), "There is no style image"),
        (("film.mp4", "--style", "one.png", "-o", "out.avi"), "Cannot write out.avi"),
        (("film.mp4", "--style", "one.png", "-o", "film.mp4"), "film.mp4 exists"),
        (("gone.mp4", "--style", "one.png", "-o", "out.mp4"), "Cannot read gone.mp4 as a film"),
        (("film.mp4", "--style", "gone.png", "-o", "out.mp4"), "Cannot read gone.png"),
    ],
)
def test_wrong_commands_are_told(folder, arguments, told, capfd):
    assert batch(*arguments) == 2
    assert told in capfd.readouterr().err
