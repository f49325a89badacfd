"""Files through fsspec: on this machine and in a file system of another kind."""

from __future__ import annotations

import fsspec
import pytest

from neural_style import FileError, ImageError
from neural_style.batch import places


@pytest.fixture
def remote():
    """A folder in fsspec's file system in memory."""
    system = fsspec.filesystem("memory")
    system.mkdir("/shop")
    yield "memory://shop"
    system.rm("/shop", recursive=True)


@pytest.fixture(params=["local", "remote"])
def folder(request, tmp_path):
    return str(tmp_path) if request.param == "local" else request.getfixturevalue("remote")


def put(path: str, content: bytes = b"12345") -> None:
    with places.delivered(path) as file:
        file.write_bytes(content)


def test_a_file_is_delivered_and_fetched(folder):
    path = places.join(folder, "a.png")
    assert places.stamp(path) is None
    put(path)
    with places.fetched(path) as file:
        assert file.read_bytes() == b"12345"
        assert file.name == "a.png"
    assert places.stamp(path).startswith("5 ")
    assert places.stamp(folder) is None


def _put_and_fail(path: str) -> None:
    with places.delivered(path) as file:
        file.write_bytes(b"1")
        raise ZeroDivisionError


def test_a_failed_delivery_leaves_the_old_file(remote):
    path = places.join(remote, "a.png")
    put(path)
    with pytest.raises(ZeroDivisionError):
        _put_and_fail(path)
    with places.fetched(path) as file:
        assert file.read_bytes() == b"12345"


def test_pictures_of_a_folder_are_listed_by_name(folder):
    for name in ("b.JPG", "a.png", "notes.txt"):
        put(places.join(folder, name))
    assert places.list_pictures(folder) == [
        places.join(folder, name) for name in ("a.png", "b.JPG")
    ]


def test_a_folder_without_pictures_is_refused(folder):
    with pytest.raises(ImageError, match="has no pictures"):
        places.list_pictures(folder)
    with pytest.raises(ImageError, match="Cannot read"):
        places.list_pictures(places.join(folder, "gone"))


def test_only_what_was_left_half_written_is_swept(folder):
    left = f".{'0f' * 8}.part", f"b.png.{'0f' * 8}.part"
    others = "a.png", "film.mp4.part", ".5e.part"
    for name in (*left, *others):
        put(places.join(folder, name))
    places.sweep(folder)
    assert [name for name in left if places.exists(places.join(folder, name))] == []
    assert all(places.stamp(places.join(folder, name)) for name in others)


def test_names_that_look_like_chains_and_schemes_are_local(tmp_path):
    path = str(tmp_path / "a::b.png")
    put(path)
    assert (tmp_path / "a::b.png").exists()
    assert places.stamp("data:abc") is None


def test_missing_files_and_unknown_file_systems_are_told(remote):
    with (
        pytest.raises(ImageError, match="Cannot read memory://shop/gone"),
        places.fetched(places.join(remote, "gone")),
    ):
        pass
    with pytest.raises(FileError, match="Cannot reach nowhere://a"):
        places.stamp("nowhere://a")


def test_absolute_names_and_urls_stay():
    assert places.join("in", "a.png") == "in/a.png"
    assert places.join("", "a.png") == "a.png"
    assert places.join("in", "/a.png") == "/a.png"
    assert places.join("/in/", "s3://b/a.png") == "s3://b/a.png"
    assert places.is_local("a.png")
    assert not places.is_local("memory://shop")
