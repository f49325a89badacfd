"""Requests that the page refuses before anything runs, and the fold of the faulty input."""

from __future__ import annotations

import gradio as gr
import pytest
from PIL import Image

from neural_style.web.page.inputs import fold_of
from neural_style.web.page.run_updates import (
    page_handler,
    refuse_faults,
    variations_handler,
)
from neural_style.web.run import status
from neural_style.web.run.call import EXTRA_PICTURES, PICTURES, page_knobs
from neural_style.web.run.handlers import run_stylize
from neural_style.web.run.status import Status
from neural_style.web.run.variations import VariationOutputs, run_variations
from neural_style.web.run.view import Outputs
from tests.web.stylize_calls import knob_values


def only_status(shown: Status) -> Outputs:
    """The outputs of a refused request."""
    return Outputs(None, [], shown, None, None)


class TestRefuseFaults:
    @pytest.mark.parametrize(
        ("name", "value", "label", "fold"),
        [
            ("content", None, "Your photo", None),
            ("style", None, "The painting", None),
            ("init_image", "/etc/passwd", "Start from another picture", "look"),
            ("mask", "/etc/passwd", "Where the first painting&#x27;s style goes", "regions"),
            ("style_2", "/etc/passwd", "A second painting", "regions"),
            ("iterations", 0, "Steps", "size"),
            ("size", 5000, "Longest side", "size"),
            ("seed", -1, "Seed", "look"),
            ("color", "mine", "Colors", "colors"),
            ("style_crop", "0,0,2,1", "Part of the painting", "part"),
            ("style_shares", "many", "Share of each painting", "regions"),
            ("backbone", "vgg", "Network", "expert"),
        ],
    )
    def test_refusal_names_the_field_opens_its_fold_and_runs_nothing(
        self, columns, sent, watch, name, value, label, fold
    ):
        inputs, results = columns
        arguments = self.arguments(sent, **{name: value})
        (updates,) = page_handler(refuse_faults(run_stylize, only_status), *columns)(*arguments)
        opened = {inputs.folds[fold]: gr.update(open=True)} if fold else {}
        assert updates.keys() == {results.status, results.latest_run, inputs.stop, *opened}
        assert updates == updates | opened | {results.latest_run: None}
        page = updates[results.status]
        assert f'class="status failed" data-field="{name}"' in page
        assert f"<strong>Please check “{label}”</strong><p>" in page
        assert watch.looks == 0

    @staticmethod
    def arguments(sent: list[str], **changes) -> list:
        """The arguments of a request with changed pictures and settings."""
        pictures = dict.fromkeys((*PICTURES, *EXTRA_PICTURES))
        pictures |= {"content": sent[0], "style": sent[1]}
        pictures |= {name: path for name, path in changes.items() if name in pictures}
        settings = {name: value for name, value in changes.items() if name not in pictures}
        first, extra = ([pictures[name] for name in names] for names in (PICTURES, EXTRA_PICTURES))
        return [*first, *knob_values(**settings), *extra, "en"]

    def test_refusal_has_the_reason_of_the_first_fault(self, sent):
        arguments = self.arguments(sent, style=None, iterations=0)
        (outputs,) = refuse_faults(run_stylize, only_status)(*arguments)
        reason = "Choose a painting: upload one or touch an example."
        assert outputs == only_status(status.refused("style", reason))

    @pytest.mark.parametrize("name", ["content", "style", "init_image", "style_2", "keep_mask"])
    def test_unreadable_picture_is_refused_by_its_name(self, sent, uploads, watch, name):
        (uploads / "note.png").write_text("no picture")
        arguments = self.arguments(sent, **{name: str(uploads / "note.png")})
        (outputs,) = refuse_faults(run_stylize, only_status)(*arguments)
        assert outputs.status.field == name
        assert "note.png is not a picture" in outputs.status.detail
        assert watch.looks == 0

    @pytest.mark.parametrize(
        ("name", "size", "reason"),
        [
            ("content", (9, 9), "The content image is 9×9; the network needs 32 pixels a side."),
            ("style", (9, 90), "The style image is 9×90; the network needs 32 pixels a side."),
            ("style_2", (90, 9), "The style image is 90×9; the network needs 32 pixels a side."),
            ("content", (40, 640), "choose size 512."),
            ("content", (40, 1920), "choose size 1536."),
            ("content", (40, 1921), "no size up to 1536 gives them. Crop it."),
        ],
    )
    def test_picture_too_small_for_the_network_is_refused(
        self, sent, uploads, watch, name, size, reason
    ):
        Image.new("RGB", size).save(uploads / "small.png")
        arguments = self.arguments(sent, size=256, **{name: str(uploads / "small.png")})
        (outputs,) = refuse_faults(run_stylize, only_status)(*arguments)
        assert outputs.status.field == name
        assert reason in outputs.status.detail
        assert watch.looks == 0

    def test_narrow_picture_runs_at_the_size_that_is_named(self, sent, uploads, watch):
        Image.new("RGB", (40, 100)).save(uploads / "narrow.png")
        narrow = {"content": str(uploads / "narrow.png")}
        (outputs,) = refuse_faults(run_stylize, only_status)(
            *self.arguments(sent, size=77, **narrow)
        )
        assert "choose size 80." in outputs.status.detail
        *_, last = refuse_faults(run_stylize, only_status)(*self.arguments(sent, size=80, **narrow))
        assert last.status.kind == "done"

    def test_refusal_is_in_the_language_of_the_request(self, sent):
        arguments = [*self.arguments(sent, content=None)[:-1], "zh"]
        (outputs,) = refuse_faults(run_stylize, only_status)(*arguments)
        assert outputs.status.headline == "请检查“您的照片”"
        assert outputs.status.detail == "请选择照片：上传一张，或点按一个示例。"

    def test_contradicting_settings_open_the_fold_of_the_size(self, columns, sent):
        arguments = self.arguments(sent, scales=3, scale_shares="5,2")
        (updates,) = page_handler(refuse_faults(run_stylize, only_status), *columns)(*arguments)
        assert updates[columns.inputs.folds["size"]] == gr.update(open=True)
        assert "scale_shares 5,2 is for 2 sizes; scales is 3" in updates[columns.results.status]

    def test_valid_request_runs(self, sent, watch):
        *_, last = refuse_faults(run_stylize, only_status)(*self.arguments(sent))
        assert last.status.kind == "done"
        assert watch.ended == 1

    def test_closing_stops_the_network(self, sent, watch):
        results = refuse_faults(run_stylize, only_status)(*self.arguments(sent, iterations=2000))
        for _ in range(4):
            next(results)
        results.close()
        assert watch.ended == 1

    def test_refused_variations_open_the_fold_and_run_nothing(self, columns, sent, watch):
        inputs, results = columns
        handler = refuse_faults(run_variations, lambda shown: VariationOutputs((), shown))
        arguments = [*sent, None, *knob_values(seed=-1)]
        (updates,) = variations_handler(handler, *columns)(*arguments)
        assert updates.keys() == {results.status, inputs.stop, inputs.folds["look"]}
        assert updates[inputs.folds["look"]] == gr.update(open=True)
        assert watch.looks == 0


class TestFolds:
    @pytest.mark.parametrize("name", [*page_knobs(), *PICTURES, *EXTRA_PICTURES])
    def test_fold_of_an_input_contains_its_component(self, columns, name):
        inputs, _ = columns
        block = (inputs.widgets | inputs.pictures)[name]
        parents = set()
        while block.parent is not None:
            block = block.parent
            parents.add(block)
        folds = [fold for fold, accordion in inputs.folds.items() if accordion in parents]
        assert folds == ([] if fold_of(name) is None else [fold_of(name)])

    def test_name_that_is_no_input_has_no_fold(self):
        assert fold_of("") is None
        assert fold_of("language") is None
