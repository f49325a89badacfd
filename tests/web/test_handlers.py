"""The handlers behind the page and its API, called as functions."""

from __future__ import annotations

import inspect
import math
import os
import re
import time
from pathlib import Path

import gradio as gr
import pytest
import torch
from PIL import Image

from neural_style import Settings, load_image, save_image
from neural_style.images.files import load_with_alpha, resize
from neural_style.messages import Message
from neural_style.settings.knob import write_knob
from neural_style.settings.settings import knobs
from neural_style.web.run import cost, handlers, view
from neural_style.web.run.call import EXTRA_PICTURES, call_from_arguments
from neural_style.web.run.checks import check_inputs
from neural_style.web.run.handlers import gpu_seconds, run_stylize
from neural_style.web.run.view import Outputs
from neural_style.web.text import texts
from tests.conftest import picture

PICTURES = ["content", "style", "init_image"]
MORE = [*EXTRA_PICTURES, "language"]
KNOBS = [name for name, about in knobs().items() if not about.metadata["host"]]
BAD = {
    "iterations": (
        0,
        -1,
        2.5,
        2001,
        math.nan,
        math.inf,
        True,
        None,
        "10",
        [5],
        {},
        10**30,
        10**400,
    ),
    "size": (63, 1537, 64.5, -math.inf, False, None, "512"),
    "seed": (-1, 2**32, 0.5, math.nan, None, 10**400),
    "style_weight": (-1.0, 2e6, math.nan, math.inf, True, "ten", [10.0]),
    "init": ("/etc/passwd", "examples/content/chelsea.jpg", "", None, ["noise"], 3),
    "noise_ratio": (-0.1, 1.1, math.nan, None),
    "optimizer": ("sgd", "", None, ["adam"], ["adam", "lbfgs"], 3, {"adam": 1}),
    "scales": (-1, 7, 1.5),
    "engine": ("slow", None),
    "style_layers": ("relu1_1:x", "", None, 3, "relu1_1,relu1_1"),
    "backbone": ("vgg", "../vgg19", None),
    "color": ("mine", True),
}
"""Values that are refused, by knob."""


def values(**changes) -> list:
    """One per knob, in the order in which handlers take them."""
    usual = {name: write_knob(knobs()[name], getattr(Settings(), name)) for name in KNOBS}
    quick = {"iterations": 4, "size": 64}
    assert changes.keys() <= usual.keys()
    changes = {name: in_words(name, value) for name, value in changes.items()}
    return [*(usual | quick | changes).values()]


def in_words(name: str, value):
    """A value that is typed as widgets have it; what is no value for the knob stays as it is."""
    has_words = knobs()[name].metadata["words"] is not None
    return write_knob(knobs()[name], value) if has_words and isinstance(value, tuple) else value


def refusals(*pictures, **changes) -> dict[str, str]:
    """What `check_inputs` has against which parameter."""
    verdicts = check_inputs(*pictures, *values(**changes))
    return {
        name: verdict["message"]
        for name, verdict in zip([*PICTURES, *KNOBS, *MORE], verdicts, strict=True)
        if not verdict["is_valid"]
    }


def refused(*pictures, **changes) -> str:
    """The words of the error with which a run ends, which its last yield has said before."""
    said = []
    with pytest.raises(gr.Error) as error:
        said.extend(run_stylize(*pictures, *values(**changes)))
    words = error.value.message
    assert said[-1] == Outputs(
        None, [], f"**That did not work.** {texts.escape_markdown(words)}", None, None
    )
    assert error.value.title == "That did not work"
    return words


@pytest.mark.parametrize("handler", [run_stylize, check_inputs, gpu_seconds])
class TestParameters:
    def test_they_are_the_pictures_and_the_knobs_with_their_defaults(self, handler):
        parameters = inspect.signature(handler).parameters
        assert [*parameters] == [*PICTURES, *KNOBS, *MORE]
        defaults = {name: one.default for name, one in parameters.items()}
        assert defaults.pop("content") is defaults.pop("style") is inspect.Parameter.empty
        assert [defaults.pop(name) for name in ("init_image", *MORE)] == [*(5 * [None]), "en"]
        usual = Settings()
        assert defaults == {n: write_knob(knobs()[n], getattr(usual, n)) for n in KNOBS}

    def test_each_has_its_help(self, handler):
        for name in KNOBS:
            assert f"    {name}: {knobs()[name].metadata['help']}" in handler.__doc__

    def test_those_of_the_host_appear_nowhere(self, handler):
        assert not {"network_weights", "device", "precision"} & {
            *inspect.signature(handler).parameters
        }
        assert not {"weights:", "device:", "precision:"} & {*handler.__doc__.split()}


class TestCalls:
    """Arguments get their names once."""

    def test_each_argument_has_its_name(self):
        given = values(iterations=7, seed=3)
        call = call_from_arguments("a.png", "b.png", "c.png", *given, *"defg", "zh")
        assert [*call.pictures] == [*PICTURES, *EXTRA_PICTURES]
        assert [*call.pictures.values()] == ["a.png", "b.png", "c.png", *"defg"]
        assert call.values == dict(zip(KNOBS, given, strict=True))
        assert call.language == "zh"

    def test_what_is_left_out_has_its_default(self):
        call = call_from_arguments("a.png", "b.png", iterations=7, mask="m.png")
        usual = {name: write_knob(knobs()[name], knobs()[name].default) for name in KNOBS}
        assert call.values == usual | {"iterations": 7}
        given = {name: path for name, path in call.pictures.items() if path}
        assert given == {"content": "a.png", "style": "b.png", "mask": "m.png"}
        assert call.language == "en"

    @pytest.mark.parametrize("language", ["de", "", None, 5, [], "ZH"])
    def test_a_language_that_is_not_spoken_is_english(self, language):
        assert call_from_arguments("a.png", "b.png", language=language).language == "en"

    def test_too_few_too_many_and_unknown_ones_are_refused(self):
        names = inspect.signature(run_stylize).parameters
        for given, named in ((["a"], {}), ([*names, "more"], {}), (["a", "b"], {"device": "cpu"})):
            with pytest.raises(TypeError):
                call_from_arguments(*given, **named)


@pytest.mark.parametrize("name", BAD)
def test_a_bad_value_is_refused_by_name_before_and_in_the_run(name, sent, watch):
    for value in BAD[name]:
        before = refusals(*sent, None, **{name: value})
        assert before.keys() == {name}
        assert name in before[name]
        assert refused(*sent, None, **{name: value}) == before[name]
        assert type(gpu_seconds(*sent, None, *values(**{name: value}))) is int
    assert watch.looks == 0


def test_a_refusal_says_what_would_do(sent):
    said = {
        "iterations": (5000, "iterations is at most 2000 on this page; the command line goes"),
        "size": (4096, "size is at most 1536 on this page; the command line goes further"),
        "init": (
            "/etc/passwd",
            "init must be one of auto, matched, recolored",
        ),
        "optimizer": ("sgd", "optimizer must be one of lbfgs, adam; it is 'sgd'"),
        "seed": (0.5, "seed must be a whole number from 0 to 4,294,967,295; it is 0.5"),
    }
    for name, (value, words) in said.items():
        assert words in refusals(*sent, None, **{name: value})[name]


def test_the_limits_themselves_are_allowed(sent):
    assert refusals(*sent, None, iterations=2000, size=1536) == {}
    assert refusals(*sent, sent[0], iterations=1, size=64) == {}


def test_without_a_picture_there_is_no_run(sent, watch):
    content, style = sent
    for pair, name, words in (
        ((None, style), "content", "Choose a content image"),
        ((content, None), "style", "Choose a style image"),
    ):
        assert words in refusals(*pair, None)[name]
        assert words in refused(*pair, None)
    assert refusals(None, None, None).keys() == {"content", "style"}
    assert watch.looks == 0


def test_a_file_that_was_not_uploaded_is_not_read(sent, watch, tmp_path):
    """Gradio hands over the path of any file of the host when it comes without its `meta`."""
    private = str(save_image(picture(64, 64), tmp_path / "private.png"))
    (Path(sent[0]).parent / "link.png").symlink_to(private)
    winding = str(Path(sent[0]).parent / ".." / "private.png")
    link = str(Path(sent[0]).parent / "link.png")
    for path in (private, "/etc/passwd", winding, link, "", "a\0b", "\ud800", "x" * 100_000):
        for place, name in enumerate(PICTURES):
            given = [*sent, None]
            given[place] = path
            words = f"{name} must be an uploaded picture file"
            assert refusals(*given).keys() == {name}
            assert words in refusals(*given)[name]
            assert words in refused(*given)
            assert gpu_seconds(*given, *values()) > 0
    assert watch.looks == 0


def test_an_unreadable_picture_is_told_in_words(sent, uploads, watch):
    Path(uploads, "note.png").write_text("no picture")
    Path(uploads, "empty.jpg").touch()
    Image.new("RGB", (9, 9)).save(uploads / "small.png")
    for file, words in (
        ("note.png", "note.png is not a picture that can be read here"),
        ("empty.jpg", r"empty.jpg is empty (0 bytes)"),
        ("small.png", "content image is 9×9; the network needs 32 pixels a side"),
    ):
        assert words in refused(str(uploads / file), sent[1], None)
    assert "note.png is not a picture" in refused(*sent, str(uploads / "note.png"))
    assert watch.looks == 0


def test_the_last_result_is_a_png_of_full_size_and_the_gallery_grows(sent, watch):
    results = list(run_stylize(*sent, None, *values(iterations=12, size=128)))
    run = results[0].run
    assert results[0] == Outputs(None, [], texts.translate("preparing"), None, run)
    assert results[1] == Outputs(None, [], texts.translate("looking"), None, run)
    lengths = [len(result.gallery) for result in results]
    assert lengths == sorted(lengths)
    last, gallery, status = results[-1].picture, results[-1].gallery, results[-1].status
    with Image.open(last) as result:
        assert (result.format, result.size) == ("PNG", (128, 85))
    assert [caption.split(" · ")[0] for _, caption in gallery] == ["0", "1", "2", "5", "10", "12"]
    assert last == gallery[-1][0]
    assert status.startswith("**Done:** 12 iterations in ")
    assert "vgg19 weights: tiny" in status
    assert watch.ended == 1


def test_the_lines_on_the_way_tell_the_iteration_the_losses_and_the_time(sent, watch):
    _, _, first, *_ = run_stylize(*sent, None, *values(iterations=30))
    line = first.status
    assert re.match(r"\*\*Iteration 0 of 30\*\*, now at \d+×\d+, size 1 of \d · content ", line)
    assert line.endswith(" s left<br><sub>vgg19 weights: tiny, for tests</sub>")
    assert all(f"{name} " in line for name in ("content", "style", "tv"))


def test_the_lines_tell_what_is_looked_at_between_two_sizes(sent, watch, monkeypatch):
    monkeypatch.setattr(view, "_YIELD_INTERVAL_SECONDS", 60)
    given = values(iterations=9, size=256, scales=2, scale_shares="7,2")
    lines = [result.status for result in run_stylize(*sent, None, *given)]
    (seventh,) = (line for line in lines if line.startswith("**Iteration 7 of 9**"))
    assert "now at 128×85, size 1 of 2" in seventh
    assert seventh.endswith("<br><sub>Looking at the style for size 2 of 2…</sub>")
    assert sum("Looking at the style for size" in line for line in lines) == 1


def test_the_lines_tell_of_working_in_strips(sent, watch, monkeypatch):
    monkeypatch.setattr(view, "_YIELD_INTERVAL_SECONDS", 0)
    make, note = handlers.stylize, Message("memory.strips", rows=64, layer="relu5_1")

    def in_strips(*arguments, **options):
        for frame in make(*arguments, **options):
            yield frame._replace(note=note)

    monkeypatch.setattr(handlers, "stylize", in_strips)
    lines = [result.status for result in run_stylize(*sent, None, *values())]
    assert lines[3].endswith("<br><sub>strips of 64 rows down to relu5_1</sub>")


def test_it_is_the_picture_that_the_core_makes(sent, watch):
    run = Settings(iterations=6, size=64, seed=7, init="noise")
    *_, result = run_stylize(*sent, None, *values(iterations=6, seed=7, init="noise"))
    *_, frame = handlers.stylize(*(load_image(path) for path in sent), run)
    assert torch.allclose(load_image(result.picture), frame.image, atol=0.51 / 255)


def mask_file(folder: Path, name: str, content: str, upper: bool) -> str:
    """White in the upper half of the content image, or in the lower."""
    mask = torch.zeros_like(load_image(content))
    half = mask.shape[2] // 2
    mask[:, :, slice(None, half) if upper else slice(half, None)] = 1
    return str(save_image(mask, folder / name))


def test_a_second_style_and_masks_may_be_given(sent, uploads, watch):
    masks = [mask_file(uploads, f"{k}.png", sent[0], k == 0) for k in range(2)]
    given = values(iterations=3, size=128)
    *_, mixed = run_stylize(*sent, None, *given, sent[0], None, None, None)
    assert "style 2" in mixed.status
    assert set(mixed.chart["term"]) == {"content", "style 1", "style 2"}
    *_, parted = run_stylize(*sent, None, *given, sent[0], *masks, None)
    *_, kept = run_stylize(*sent, None, *given, None, None, None, masks[0])
    kept, parted = load_image(kept.picture), load_image(parted.picture)
    small = resize(load_image(sent[0]), *kept.shape[-2:])
    upper = slice(None, kept.shape[2] // 2 - 2)
    assert (kept[:, :, upper] - small[:, :, upper]).abs().max() < 0.01
    assert not torch.equal(parted, kept)


def test_masks_that_do_not_fit_are_told_in_words(sent, uploads):
    mask = mask_file(uploads, "0.png", sent[0], upper=True)
    given = values(iterations=3, size=128)
    with pytest.raises(gr.Error) as error:
        list(run_stylize(*sent, None, *given, sent[0], mask, None, None))
    assert error.value.message.startswith("The number of masks (1) differs")
    verdicts = check_inputs(*sent, None, *given, "/etc/passwd", None, None, None)
    assert "style_2 must be an uploaded picture file" in verdicts[-5]["message"]


def test_the_last_picture_is_as_transparent_as_the_content(sent, uploads):
    seen = Image.new("RGBA", (96, 72), (200, 90, 40, 255))
    seen.paste((0, 0, 0, 0), (0, 0, 48, 72))
    path = uploads / "seen.png"
    seen.save(path)
    results = list(run_stylize(str(path), sent[1], None, *values(iterations=3, size=96)))
    alpha = load_with_alpha(results[-1].picture)[1]
    assert (alpha[..., :40] == 0).all()
    assert (alpha[..., 56:] == 1).all()
    assert load_with_alpha(results[-1].gallery[0][0])[1] is None


def test_empty_places_of_a_style_are_not_style(sent, uploads, watch, monkeypatch):
    """In the first and in the second; what is opaque has no mask."""
    seen = []
    stylize = handlers.stylize

    def spy(content, styles, settings, *, masks, **options):
        seen.append(masks.parts)
        return stylize(content, styles, settings, masks=masks, **options)

    monkeypatch.setattr(handlers, "stylize", spy)
    alpha = torch.zeros(1, 1, 72, 80)
    alpha[..., :40] = 1
    clear = str(save_image(load_image(sent[1]), uploads / "clear.png", alpha=alpha))
    given = values(iterations=1)
    for style, second in ((sent[1], None), (clear, None), (sent[1], clear)):
        list(run_stylize(sent[0], style, None, *given, second, None, None, None))
    opaque, first, both = seen
    assert opaque == []
    assert torch.equal(first[0], alpha.expand(1, 3, -1, -1))
    assert both[0].min() == 1
    assert torch.equal(both[1], first[0])


def test_the_start_image_takes_the_place_of_init(sent, uploads, watch):
    start = save_image(picture(64, 96, seed=5), uploads / "start.png")
    given = values(size=96, scales=1, noise_ratio=0.0, init="noise")
    *_, result = run_stylize(*sent, str(start), *given)
    assert torch.allclose(load_image(result.gallery[0][0]), load_image(start), atol=0.51 / 255)


def test_each_run_has_a_folder_of_its_own(sent, uploads, watch):
    folders = set()
    for _ in range(2):
        *_, last = run_stylize(*sent, None, *values())
        (folder,) = {Path(path).parent for path, _ in last.gallery} | {Path(last.picture).parent}
        assert str(folder) == last.run
        assert folder.is_relative_to(uploads)
        folders.add(folder)
    assert len(folders) == 2


def test_closing_stops_the_network_and_few_previews_stay(sent, uploads, watch, monkeypatch):
    monkeypatch.setattr(view, "_PREVIEW_INTERVAL_SECONDS", 0)
    monkeypatch.setattr(view, "_PREVIEW_RETENTION_SECONDS", 600)
    results = run_stylize(*sent, None, *values(iterations=2000))
    shown = [next(results).picture for _ in range(30)]
    assert len(set(shown[2:])) == 28
    assert all(Path(path).exists() for path in shown[2:])
    looks = watch.looks
    results.close()
    assert (watch.looks, watch.ended) == (looks, 1)
    previews = sorted(uploads.glob("runs/*/preview-*.jpg"))
    assert len(previews) <= 3
    assert str(previews[-1]) == shown[-1]


def test_old_previews_go_while_the_run_goes_on(sent, uploads, watch, monkeypatch):
    monkeypatch.setattr(view, "_PREVIEW_INTERVAL_SECONDS", 0)
    monkeypatch.setattr(view, "_PREVIEW_RETENTION_SECONDS", -1)
    for shown in run_stylize(*sent, None, *values(iterations=30)):
        assert not [*uploads.glob("runs/*/preview-*.jpg")], shown


def test_a_quick_run_yields_less_often_than_it_steps(sent, watch, monkeypatch):
    for pause in ("_YIELD_INTERVAL_SECONDS", "_PREVIEW_INTERVAL_SECONDS"):
        monkeypatch.setattr(view, pause, 60)
    results = list(run_stylize(*sent, None, *values(iterations=40)))
    assert [result.status.split()[1] for result in results[2:-1]] == [
        "0",
        "1",
        "2",
        "5",
        "10",
        "20",
    ]


def test_longer_and_larger_runs_reserve_more(sent):
    def seconds(**changes):
        return gpu_seconds(*sent, None, *values(**changes))

    usual = seconds(iterations=200, size=512)
    assert type(usual) is int
    assert usual < seconds(iterations=1000, size=512) < seconds(iterations=2000, size=512)
    assert usual < seconds(iterations=200, size=1024) < seconds(iterations=200, size=1536)
    assert seconds(iterations=1, size=64) >= 1


def test_a_run_too_long_for_a_lent_gpu_is_refused_before_it_is_lent(sent, watch, monkeypatch):
    most = {"iterations": 2000, "size": 1536}
    assert gpu_seconds(*sent, None, *values(**most)) > cost.MAX_RESERVED_SECONDS
    assert refusals(*sent, None, **most) == {}
    monkeypatch.setenv("SPACES_ZERO_GPU", "1")
    words = "This run would reserve the GPU for about"
    assert words in refusals(*sent, None, **most)["iterations"]
    assert words in refused(*sent, None, **most)
    assert watch.looks == 0
    assert refusals(*sent, None, iterations=200, size=512) == {}
    *_, last = run_stylize(*sent, None, *values())
    assert last.picture.endswith(".png")


def test_a_run_sweeps_away_the_files_of_those_before_yesterday(sent, uploads, watch):
    old, young = (uploads / "runs" / name for name in ("old", "young"))
    for folder, hours in ((old, 25), (young, 23)):
        folder.mkdir(parents=True)
        (folder / "stylized-000000.png").write_bytes(b"picture")
        then = time.time() - 3600 * hours
        os.utime(folder, (then, then))
    list(run_stylize(*sent, None, *values()))
    assert not old.exists()
    assert (young / "stylized-000000.png").exists()


def test_a_results_settings_are_taken_over_from_its_png(sent, uploads, watch):
    given = values(iterations=3, size=96, seed=9, color="luminance", style_weight=7.0)
    *_, last = run_stylize(*sent, None, *given)
    assert handlers.restore(last.picture) == given
    with pytest.raises(gr.Error, match="recipe must be an uploaded picture file"):
        handlers.restore("/etc/passwd")
    with pytest.raises(gr.Error, match="carries no recipe"):
        handlers.restore(sent[0])
    Image.new("RGB", (64, 64)).save(uploads / "<b>.png")
    with pytest.raises(gr.Error, match=r"&lt;b>\.png carries no recipe"):
        handlers.restore(str(uploads / "<b>.png"))
    with pytest.raises(gr.Error, match="Choose a PNG"):
        handlers.restore(None)


def test_values_that_contradict_each_other_are_told_before_the_line(sent):
    said = refusals(*sent, None, scales=3, scale_shares="5,2")
    assert said == {
        "iterations": "scale_shares 5,2 is for 2 sizes; scales is 3. Give as many "
        "shares as scales, or leave one of them out."
    }


def test_info_tells_the_version_the_networks_the_manners_the_presets_and_the_limits():
    told = handlers.info()
    assert told["backbones"][0] == "vgg19"
    assert told["presets"]["balanced"] == {}
    assert told["presets"]["fine"] == {"iterations": 60, "size": 1024}
    assert told["presets"]["classic-quick"]["statistic"] == "gram"
    assert [*told["manners"]] == ["strokes", "classic"]
    for manner in told["manners"].values():
        assert [*manner["presets"]] == ["quick", "balanced", "fine"]
        assert told["presets"].keys() >= {*manner["presets"].values()}
        assert manner["help"].endswith(".")
    assert told["limits"] == {"iterations": 2000, "size": 1536, "upload_megabytes": 30}
    assert told["languages"] == ["en", "zh"]


def test_one_picture_alone_is_had_too(sent, watch):
    given = values(iterations=6, seed=7)
    *_, only = handlers.run_stylize_image(*sent, None, *given)
    *_, last = run_stylize(*sent, None, *given)
    assert torch.equal(load_image(only), load_image(last.picture))


def test_it_speaks_chinese_where_asked(sent, watch):
    given = [*values(iterations=3), None, None, None, None, "zh"]
    first, *_, last = run_stylize(*sent, None, *given)
    assert first.status == texts.translate("preparing", "zh")
    assert last.status.startswith("**完成**：3 次迭代")
    assert last.gallery[0][1].startswith("0 · 损失 ")
    verdicts = check_inputs(None, sent[1], None, *given)
    assert verdicts[0]["message"] == "请选择内容图像：要重绘的图像。"
