"""Runs on a GPU; skipped where there is none."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product

import pytest
import torch

from neural_style import BACKBONES, Masks, Settings, SettingsError, stylize
from neural_style.film.paint import Later, paint_frames
from neural_style.matching.nearest import match_cells
from neural_style.network.extractor import Network, load_network
from neural_style.network.strips import cut_network
from neural_style.network.weights import load_weights
from neural_style.objective import StyleTarget, make_objective
from neural_style.objective.statistics import STATISTICS
from neural_style.optim.engines import ENGINES
from neural_style.optim.optimize import optimize
from neural_style.run import job
from tests.film.sample import sample_frames
from tests.matching.small import LOSS_CONFIG, SHARES, matcher_of, term_of
from tests.small_pictures import grainy, half
from tests.small_runs import digest

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")

CUDA = torch.device("cuda")
PRECISIONS = ["fp32", "bf16"]
MANNERS = ["nearest", *STATISTICS]


@pytest.fixture(autouse=True)
def exact_float32(monkeypatch) -> None:
    """Convolutions in float32 proper, not in TF32, so that results can be compared."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)


def small_run(**changes) -> Settings:
    """Fourteen iterations of real VGG-19 at 96 and 192 pixels on the GPU."""
    usual = {"iterations": 14, "size": 192, "device": "cuda", "network_weights": "packaged"}
    return Settings(**usual | changes)


def frames_of(run: Settings, **options):
    styles = [grainy(160, 128, 2), grainy(128, 160, 3)]
    masks = Masks(styles=[half("left", 144, 192), half("right", 144, 192)])
    return stylize(grainy(144, 192, 1), styles, run, masks=masks, every=1, **options)


def real_network() -> Network:
    weights = load_weights("vgg19", "packaged")
    return load_network(
        BACKBONES["vgg19"].build(),
        weights.tensors,
        weights.units,
        device=CUDA,
        layers=SHARES,
    )


@pytest.mark.parametrize(("statistic", "precision"), [*product(MANNERS, PRECISIONS)])
def test_loss_falls_and_pixels_are_in_range(statistic, precision):
    frames = [*frames_of(small_run(statistic=statistic, precision=precision, scales=1))]
    assert frames[-1].iteration == 14
    if statistic != "nearest":  # whose targets change during the run
        assert sum(frames[-1].losses.values()) < sum(frames[1].losses.values())
    assert all(0 <= frame.image.min() < frame.image.max() <= 1 for frame in frames)


@pytest.mark.parametrize(("statistic", "precision"), [*product(["nearest", "gram"], PRECISIONS)])
def test_same_seed_gives_same_bytes(statistic, precision):
    run = small_run(statistic=statistic, precision=precision, tv_form="nine_points")
    first, second = ([digest(frame.image) for frame in frames_of(run)] for _ in range(2))
    assert first == second


@pytest.mark.parametrize(("statistic", "stop"), [*product(["nearest", "gram"], [3, 7, 11])])
def test_resumed_run_equals_the_unbroken_run(statistic, stop):
    run = small_run(statistic=statistic)
    unbroken, state = [], None
    for frame in frames_of(run):
        unbroken.append(digest(frame.image))
        if frame.iteration == stop:
            state = frame.state()
    rest = [digest(frame.image) for frame in frames_of(run, resume=state)]
    assert len(rest) >= 14 - stop
    assert rest == unbroken[-len(rest) :]


@pytest.mark.parametrize("stage", ["cells", "layers", "gram"])
@pytest.mark.parametrize("rows", [{"pool1": 48}, {"pool1": 64, "pool3": 32}], ids=str)
def test_strips_equal_the_whole_picture(stage, rows):
    size = 144, 192
    network = real_network()
    styles = [StyleTarget(grainy(160, 128, 2).cuda(), 1.0)]
    content, canvas = grainy(*size, 1).cuda(), grainy(*size, 4).cuda()
    matches, loss_config = None, LOSS_CONFIG._replace(statistic=stage)
    if stage != "gram":
        matcher = matcher_of(styles, size, network=network)
        cells = match_cells(matcher, content)
        matches, loss_config = term_of(matcher, stage, canvas, cells), LOSS_CONFIG
        styles = []
    results = []
    for cut in ({}, rows):
        segments = cut_network(network, SHARES, cut)
        objective = make_objective(network, segments, content, styles, loss_config, matches=matches)
        results.append(objective(canvas))
    (losses, gradient), (in_strips, gradient_in_strips) = results
    for name, loss in losses.items():
        assert in_strips[name].item() == pytest.approx(loss.item(), rel=1e-4)
    error = (gradient_in_strips - gradient).square().mean().sqrt()
    assert error < 1e-4 * gradient.square().mean().sqrt()


@contextmanager
def waiting_is_an_error() -> Iterator[None]:
    """PyTorch raises an error at each operation that waits for the GPU."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that this may not see all of them
        torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize(
    ("statistic", "engine", "optimizer"),
    [
        (statistic, engine, optimizer)
        for statistic in MANNERS
        if statistic != "wasserstein"  # whose matrix roots wait
        for engine, entry in ENGINES.items()
        for optimizer in entry.optimizers
    ],
)
def test_steps_do_not_wait_for_the_gpu(statistic, engine, optimizer):
    """CUDA raises an error at each operation that waits, once the first two steps are done."""
    size, network = (144, 192), real_network()
    styles = [StyleTarget(grainy(160, 128, 2).cuda(), 1.0)]
    content, matches = grainy(*size, 1).cuda(), None
    if statistic == "nearest":
        matcher = matcher_of(styles, size, network=network)
        matches = term_of(matcher, "layers", content, match_cells(matcher, content))
        styles = []
    loss_config = LOSS_CONFIG._replace(statistic=statistic)
    segments = cut_network(network, SHARES)
    objective = make_objective(network, segments, content, styles, loss_config, matches=matches)
    choice = ENGINES[engine].optimizers[optimizer]
    made = choice.make(choice.rate, choice.history, choice.history_dtype)
    canvas = choice.canvas(*size, CUDA)
    iterates = optimize(objective, content, canvas, made, 8, guarded=ENGINES[engine].guarded)
    next(iterates), next(iterates)
    with waiting_is_an_error():
        for _ in range(5):
            next(iterates)


@pytest.mark.parametrize(
    ("statistic", "size", "precision"),
    [*product(["nearest", "gram"], [512, 1024, 2048], PRECISIONS)],
)
def test_memory_plan_is_near_the_peak(statistic, size, precision, monkeypatch):
    plans, plan_memory = [], job.plan_memory

    def remember(*arguments, **options):
        plans.append(plan_memory(*arguments, **options))
        return plans[-1]

    monkeypatch.setattr(job, "plan_memory", remember)
    changes = {"size": size, "statistic": statistic, "precision": precision}
    run = small_run(**changes, scales=1)
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    *_, frame = stylize(grainy(size * 2 // 3, size, 1), grainy(size, size, 2), run)
    assert frame.iteration == 14
    assert plans[0].bytes == pytest.approx(torch.cuda.max_memory_allocated(), rel=0.2)


def test_absent_gpu_is_refused():
    count = torch.cuda.device_count()
    with pytest.raises(SettingsError, match=f"cuda:{count}"):
        next(stylize(grainy(64, 64, 1), grainy(64, 64, 2), small_run(device=f"cuda:{count}")))


def test_film_is_painted():
    frames = [*sample_frames(96, 128, 4, None, step=0.03)]
    run = small_run(size=128)
    painted = [*paint_frames(frames, [grainy(160, 128, 2)], run, Later(steps=3))]
    assert [one.begins for one in painted] == [True, False, False, False]
    assert all(one.image.isfinite().all() for one in painted)
