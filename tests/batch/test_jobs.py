"""One picture of a batch on a worker."""

from __future__ import annotations

import pickle
from pathlib import Path

import fsspec
import pytest
import torch
from PIL import Image

from neural_style import Settings, load_image
from neural_style.batch import jobs
from neural_style.batch.jobs import Picture, Worker
from neural_style.network.weights import sha256
from neural_style.run import job as run_job
from tests.batch.small_batches import save_pictures

pytestmark = pytest.mark.usefixtures("tiny")
SETTINGS = Settings(size=64, iterations=2, precision="fp32")


@pytest.fixture
def picture(tmp_path):
    save_pictures(tmp_path, "a.png", "one.png")
    names = (str(tmp_path / name) for name in ("a.png", "one.png", "out.png"))
    content, style, output = names
    return Picture(1, "out.png", content, (style,), output, SETTINGS)


def test_an_outcome_has_digest_and_recipe(picture):
    outcome = picture.run(Worker())
    assert outcome.error is None
    assert outcome.digest == sha256(Path(picture.output))
    assert '"iteration": 2' in outcome.recipe
    assert load_image(picture.output).shape == (1, 3, 48, 64)
    assert outcome.seconds > 0


def test_jobs_and_outcomes_can_be_sent_to_other_machines(picture):
    assert pickle.loads(pickle.dumps(picture)) == picture
    failed = picture._replace(content="gone.png").run(Worker())
    assert pickle.loads(pickle.dumps(failed)) == failed
    assert "gone.png" in str(failed.error)


def test_a_worker_loads_network_and_styles_once(picture, monkeypatch):
    loads = []
    for module, name in ((run_job, "load_network"), (jobs, "load_styles")):
        function = getattr(module, name)

        def counting(*arguments, function=function, name=name, **options):
            loads.append(name)
            return function(*arguments, **options)

        monkeypatch.setattr(module, name, counting)
    worker = Worker()
    for seed in range(3):
        settings = Settings(size=64, iterations=1, seed=seed)
        assert picture._replace(settings=settings).run(worker).error is None
    assert sorted(loads) == ["load_network", "load_styles"]


def test_a_style_that_changed_is_read_again(picture, tmp_path):
    worker = Worker()
    before = picture.run(worker).digest
    save_pictures(tmp_path, "other.png")
    (tmp_path / "other.png").replace(tmp_path / "one.png")
    assert picture.run(worker).digest != before


def test_pictures_may_be_elsewhere(picture, tmp_path):
    system = fsspec.filesystem("memory")
    for name in ("a.png", "one.png"):
        system.put_file(str(tmp_path / name), f"/shop/{name}")
    elsewhere = picture._replace(
        content="memory://shop/a.png",
        styles=("memory://shop/one.png",),
        output="memory://shop/out.png",
    )
    assert elsewhere.run(Worker()).digest == picture.run(Worker()).digest
    assert [name for name in system.ls("/shop", detail=False) if "part" in name] == []
    system.get_file("/shop/out.png", str(tmp_path / "copy.png"))
    assert torch.equal(load_image(tmp_path / "copy.png"), load_image(picture.output))
    system.rm("/shop", recursive=True)


def test_transparency_is_kept(picture, tmp_path):
    with Image.open(picture.content) as opaque:
        clear = opaque.convert("RGBA")
        clear.putalpha(Image.linear_gradient("L").resize(opaque.size))
        clear.save(tmp_path / "clear.png")
    picture._replace(content=str(tmp_path / "clear.png")).run(Worker())
    with Image.open(picture.output) as made:
        assert made.mode == "RGBA"


def test_the_workers_limit_of_memory_holds_where_the_settings_have_none(picture, monkeypatch):
    limits, stylize = [], jobs.stylize

    def watching(content, styles, settings, **options):
        limits.append(settings.memory_gb)
        return stylize(content, styles, settings, **options)

    monkeypatch.setattr(jobs, "stylize", watching)
    worker = Worker(memory_gb=7.0)
    picture.run(worker)
    picture._replace(settings=Settings(size=64, iterations=1, memory_gb=5.0)).run(worker)
    assert limits == [7.0, 5.0]
