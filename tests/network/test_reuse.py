"""Networks and style activations that are kept from run to run."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from neural_style import Reuse, Settings, stylize
from neural_style.matching import matcher
from neural_style.network.evaluations import Evaluations
from neural_style.objective import make
from neural_style.run import job
from tests.small_pictures import grainy, half

RUN = Settings(iterations=6, size=96, precision="fp32", statistic="nearest")
CONTENTS = grainy(72, 96, 1), grainy(72, 96, 5)
STYLE = grainy(80, 64, 2)


def counted(monkeypatch, module, name: str) -> list:
    """A list that gets an entry at each call of a module's function."""
    calls, function = [], getattr(module, name)

    def counting(*arguments, **options):
        calls.append(name)
        return function(*arguments, **options)

    monkeypatch.setattr(module, name, counting)
    return calls


class TestEvaluations:
    def test_an_equal_picture_is_evaluated_once(self):
        kept, results = Evaluations(1000), iter(range(9))
        picture = grainy(4, 5, 1)
        found = [
            kept.once(key, (one, None), lambda: next(results))
            for key, one in [
                ("a", picture),
                ("a", picture.clone()),
                ("b", picture),
                ("a", grainy(4, 5, 2)),
                ("a", picture.view(1, 3, 5, 4)),
                ("a", picture),
            ]
        ]
        assert found == [0, 0, 1, 2, 3, 0]

    def test_the_least_recently_used_are_dropped_beyond_the_limit(self):
        kept, made = Evaluations(3 * 40), []

        def ask(key: str) -> None:
            kept.once(key, (), lambda: made.append(key) or {"part": (torch.zeros(10), None)})

        for key in "abcadb":  # d drops b, which is then made again and drops c
            ask(key)
        assert made == ["a", "b", "c", "d", "b"]
        assert kept.bytes == 120
        ask("a")
        assert made == ["a", "b", "c", "d", "b"]

    def test_without_a_limit_nothing_is_kept(self):
        kept, results = Evaluations(0), iter(range(9))
        assert [kept.once("a", (), lambda: next(results)) for _ in range(2)] == [0, 1]


@pytest.mark.usefixtures("tiny")
class TestRuns:
    @pytest.mark.parametrize(
        "changes",
        [
            {},
            {"statistic": "gram"},
            {"statistic": "mean_deviation"},
            {"color": "matched"},
            {"style_crop": ((0, 0, 0.5, 1.0),)},
        ],
        ids=str,
    )
    def test_pictures_are_identical_with_and_without_reuse(self, changes):
        run, reuse = replace(RUN, **changes), Reuse()
        for content in (*CONTENTS, CONTENTS[0]):
            *_, alone = stylize(content, STYLE, run)
            *_, shared = stylize(content, STYLE, run, reuse=reuse)
            assert torch.equal(alone.image, shared.image)

    @pytest.mark.parametrize(
        ("statistic", "module", "name", "sizes"),
        [("nearest", matcher, "sample", 2), ("gram", make, "picture_moments", 1)],
    )
    def test_styles_are_evaluated_once_per_size(self, monkeypatch, statistic, module, name, sizes):
        calls, reuse = counted(monkeypatch, module, name), Reuse()
        for content in CONTENTS:
            [*_] = stylize(content, STYLE, replace(RUN, statistic=statistic), reuse=reuse)
        assert len(calls) == sizes

    def test_a_style_mask_is_part_of_what_was_evaluated(self, monkeypatch):
        calls, reuse = counted(monkeypatch, make, "picture_moments"), Reuse()
        run = replace(RUN, statistic="gram", scales=1)
        for side in ("left", "right", "left"):
            masks = job.Masks(parts=[half(side, 80, 64)])
            [*_] = stylize(CONTENTS[0], STYLE, run, masks=masks, reuse=reuse)
        assert len(calls) == 2

    def test_a_network_is_loaded_once_per_configuration(self, monkeypatch):
        loads, reuse = counted(monkeypatch, job, "load_network"), Reuse()
        average = replace(RUN, pooling="avg")
        zeros = replace(RUN, border="zeros")
        for run in (RUN, RUN, average, average, RUN, zeros, average):
            [*_] = stylize(CONTENTS[0], STYLE, run, reuse=reuse)
        # The third network replaces the one that was not used for longest.
        assert len(loads) == 4
