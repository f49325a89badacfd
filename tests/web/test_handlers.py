"""The handlers of runs called as functions: outputs on the way, the result, and its files."""

from __future__ import annotations

import json
import re
from pathlib import Path

import gradio as gr
import pytest
import torch
from PIL import Image

from neural_style import Settings, load_image, save_image
from neural_style.images.files import load_with_alpha, resize
from neural_style.messages import Message
from neural_style.web.run import handlers, runs, view
from neural_style.web.run.addresses import served_folder
from neural_style.web.run.handlers import run_stylize
from neural_style.web.run.status import Status
from neural_style.web.run.view import Outputs
from tests.conftest import picture
from tests.web.stylize_calls import complete_run, half_mask, knob_values


def test_last_output_is_a_png_of_full_size_and_the_gallery_grows(sent, watch):
    results = list(run_stylize(*sent, None, *knob_values(iterations=12, size=128)))
    run = results[0].run
    headlines = ("Reading the pictures and loading the network…", "Preparing the style…")
    for shown, headline in zip(results, headlines):
        assert shown == Outputs(None, [], Status("busy", headline, fraction=0.0), None, run)
    lengths = [len(shown.gallery) for shown in results]
    assert lengths == sorted(lengths)
    last = results[-1]
    with Image.open(last.picture) as result:
        assert (result.format, result.size) == ("PNG", (128, 85))
    captions = [caption for _, caption in last.gallery]
    assert captions == ["start", *(f"step {number}" for number in (1, 2, 5, 10, 12))]
    assert last.picture == last.gallery[-1][0]
    assert watch.ended == 1


def test_last_status_has_duration_steps_size_losses_and_weights(sent, watch):
    *_, last = run_stylize(*sent, None, *knob_values(iterations=12, size=128))
    number = r"[\d.e+-]+"
    assert re.fullmatch(r"Done in \d+ s", last.status.headline)
    assert re.fullmatch(f"content {number}, style {number}, tv {number}", last.status.losses)
    assert last.status == Status(
        "done",
        last.status.headline,
        "12 steps · 128×85",
        last.status.losses,
        "vgg19 weights: tiny, for tests",
        1.0,
    )


def test_status_on_the_way_has_time_left_step_losses_and_weights(sent, watch):
    _, _, first, *_ = run_stylize(*sent, None, *knob_values(iterations=30))
    status = first.status
    assert status.kind == "busy"
    assert status.fraction == 0.0
    assert re.fullmatch(r"\d+ s to \d+ s left", status.headline)
    assert re.fullmatch(r"Size 1 of \d, \d+×\d+ · step 0 of 30", status.detail)
    assert [term.split()[0] for term in status.losses.split(", ")] == ["content", "style", "tv"]
    assert status.note == "vgg19 weights: tiny, for tests"


def test_fraction_of_a_run_excludes_the_time_before_its_first_frame(sent, watch, monkeypatch):
    monkeypatch.setattr(view, "_YIELD_INTERVAL_SECONDS", 0)
    stylize = handlers.stylize

    def stylize_at_a_fixed_speed(*arguments, **options):
        for frame in stylize(*arguments, **options):
            done, left = frame.iteration, 20 - frame.iteration
            yield frame._replace(seconds=100.0 + 2 * done, seconds_left=2.0 * left)

    monkeypatch.setattr(handlers, "stylize", stylize_at_a_fixed_speed)
    _, _, *results = run_stylize(*sent, None, *knob_values(iterations=20, scales=1))
    assert [shown.status.fraction for shown in results] == [step / 20 for step in range(21)]
    headlines = [shown.status.headline for shown in results]
    assert headlines[:2] == ["28 s to 1 min left", "27 s to 57 s left"]
    assert headlines[2:-1] == [f"About {2 * left} s left" for left in range(18, 0, -1)]
    assert headlines[-1] == "Done in 2 min 20 s"


def test_status_announces_the_next_size(sent, watch, monkeypatch):
    monkeypatch.setattr(view, "_YIELD_INTERVAL_SECONDS", 60)
    values = knob_values(iterations=9, size=256, scales=2, scale_shares="7,2")
    statuses = [shown.status for shown in run_stylize(*sent, None, *values)]
    announcing = [status for status in statuses if status.note.startswith("Preparing the style")]
    (status,) = announcing
    assert status.detail == "Size 1 of 2, 128×85 · step 7 of 9"
    assert status.note == "Preparing the style for size 2 of 2"


def test_status_notes_work_in_strips(sent, watch, monkeypatch):
    monkeypatch.setattr(view, "_YIELD_INTERVAL_SECONDS", 0)
    stylize, note = handlers.stylize, Message("memory.strips", rows=64, layer="relu5_1")

    def stylize_in_strips(*arguments, **options):
        for frame in stylize(*arguments, **options):
            yield frame._replace(note=note)

    monkeypatch.setattr(handlers, "stylize", stylize_in_strips)
    results = list(run_stylize(*sent, None, *knob_values()))
    assert results[3].status.note == "strips of 64 rows down to relu5_1"


def test_result_equals_that_of_the_core(sent, watch):
    settings = Settings(iterations=6, size=64, seed=7, init="noise")
    *_, last = run_stylize(*sent, None, *knob_values(iterations=6, seed=7, init="noise"))
    *_, frame = handlers.stylize(*(load_image(path) for path in sent), settings)
    assert torch.allclose(load_image(last.picture), frame.image, atol=0.51 / 255)


def test_second_style_and_masks_are_used(sent, uploads, watch):
    masks = [half_mask(uploads, f"{k}.png", sent[0], upper=k == 0) for k in range(2)]
    values = knob_values(iterations=3, size=128)
    *_, mixed = run_stylize(*sent, None, *values, sent[0], None, None, None)
    assert "style 2 " in mixed.status.losses
    assert set(mixed.chart["term"]) == {"content", "style 1", "style 2"}
    *_, masked = run_stylize(*sent, None, *values, sent[0], *masks, None)
    *_, kept = run_stylize(*sent, None, *values, None, None, None, masks[0])
    kept, masked = load_image(kept.picture), load_image(masked.picture)
    content = resize(load_image(sent[0]), *kept.shape[-2:])
    upper = slice(None, kept.shape[2] // 2 - 2)
    assert (kept[:, :, upper] - content[:, :, upper]).abs().max() < 0.01
    assert not torch.equal(masked, kept)


def test_result_has_the_transparency_of_the_content_image(sent, uploads):
    content = Image.new("RGBA", (96, 72), (200, 90, 40, 255))
    content.paste((0, 0, 0, 0), (0, 0, 48, 72))
    path = uploads / "half.png"
    content.save(path)
    *_, last = run_stylize(str(path), sent[1], None, *knob_values(iterations=3, size=96))
    alpha = load_with_alpha(last.picture)[1]
    assert (alpha[..., :40] == 0).all()
    assert (alpha[..., 56:] == 1).all()
    assert load_with_alpha(last.gallery[0][0])[1] is None


def test_transparent_areas_of_styles_become_masks(sent, uploads, watch, monkeypatch):
    parts = []
    stylize = handlers.stylize

    def record_parts(content, styles, settings, *, masks, **options):
        parts.append(masks.parts)
        return stylize(content, styles, settings, masks=masks, **options)

    monkeypatch.setattr(handlers, "stylize", record_parts)
    alpha = torch.zeros(1, 1, 72, 80)
    alpha[..., :40] = 1
    clear = str(save_image(load_image(sent[1]), uploads / "clear.png", alpha=alpha))
    values = knob_values(iterations=1)
    for style, second in ((sent[1], None), (clear, None), (sent[1], clear)):
        list(run_stylize(sent[0], style, None, *values, second, None, None, None))
    opaque, first, both = parts
    assert opaque == []
    assert torch.equal(first[0], alpha.expand(1, 3, -1, -1))
    assert both[0].min() == 1
    assert torch.equal(both[1], first[0])


def test_start_image_replaces_init(sent, uploads, watch):
    start = save_image(picture(64, 96, seed=5), uploads / "start.png")
    values = knob_values(size=96, scales=1, noise_ratio=0.0, init="noise")
    *_, last = run_stylize(*sent, str(start), *values)
    assert torch.allclose(load_image(last.gallery[0][0]), load_image(start), atol=0.51 / 255)


def test_each_run_logs_a_line_without_names(sent, uploads, watch, caplog):
    caplog.set_level("INFO", logger="neural_style")
    complete_run(run_stylize(*sent, None, *knob_values()))
    stopped = run_stylize(*sent, None, *knob_values(iterations=500))
    folder = [next(stopped) for _ in range(4)][-1].run
    stopped.close()
    Image.new("RGB", (1, 1)).save(uploads / "dot.png")
    with pytest.raises(gr.Error):
        list(run_stylize(str(uploads / "dot.png"), sent[1], None, *knob_values()))
    lines = [json.loads(record.getMessage()) for record in caplog.records]
    assert [line["outcome"] for line in lines] == ["complete", "stopped", "failed"]
    assert [line["iterations"] for line in lines] == [4, 500, 4]
    assert lines[0]["reached"] == 4 > lines[2]["reached"] == 0
    assert all(line["seconds"] >= 0 and line["size"] == 64 for line in lines)
    for secret in (Path(folder).name, "content", "dot"):
        assert secret not in caplog.text


def test_film_frame_that_cannot_be_written_is_left_out(sent, watch, monkeypatch):
    monkeypatch.setattr(runs, "film_frame_file", lambda run, _: run / "missing" / "film.jpg")
    *_, last = run_stylize(*sent, None, *knob_values())
    assert last.status.kind == "done"
    assert load_image(last.picture).shape == (1, 3, 43, 64)


def test_each_run_has_its_own_folder(sent, uploads, watch):
    folders = set()
    for _ in range(2):
        *_, last = run_stylize(*sent, None, *knob_values())
        (folder,) = {Path(path).parent for path, _ in last.gallery} | {Path(last.picture).parent}
        assert folder == served_folder(Path(last.run))
        assert folder.is_relative_to(uploads)
        folders.add(folder)
    assert len(folders) == 2


def test_closing_stops_the_network_and_keeps_what_was_shown(sent, uploads, watch, monkeypatch):
    """A program that reads more slowly asks for these pictures later."""
    monkeypatch.setattr(view, "_PREVIEW_INTERVAL_SECONDS", 0)
    results = run_stylize(*sent, None, *knob_values(iterations=2000))
    shown = [next(results).picture for _ in range(30)]
    assert len(set(shown[2:])) == 28
    looks = watch.looks
    results.close()
    assert (watch.looks, watch.ended) == (looks, 1)
    assert all(Path(path).exists() for path in shown[2:])


def test_old_previews_are_deleted_during_the_run(sent, uploads, watch, monkeypatch):
    monkeypatch.setattr(view, "_PREVIEW_INTERVAL_SECONDS", 0)
    monkeypatch.setattr(view, "_PREVIEW_RETENTION_SECONDS", -1)
    for shown in run_stylize(*sent, None, *knob_values(iterations=30)):
        assert not [*uploads.glob("runs/*/preview-*.jpg")], shown


def test_quick_steps_share_an_output(sent, watch, monkeypatch):
    for interval in ("_YIELD_INTERVAL_SECONDS", "_PREVIEW_INTERVAL_SECONDS"):
        monkeypatch.setattr(view, interval, 60)
    results = list(run_stylize(*sent, None, *knob_values(iterations=40)))
    steps = [re.search(r"step (\d+) of 40", shown.status.detail)[1] for shown in results[2:-1]]
    assert steps == ["0", "1", "2", "5", "10", "20"]


def test_stylize_image_yields_pictures_only(sent, watch):
    values = knob_values(iterations=6, seed=7)
    first, second, *_, last = handlers.run_stylize_image(*sent, None, *values)
    assert first is second is None
    *_, outputs = run_stylize(*sent, None, *values)
    assert torch.equal(load_image(last), load_image(outputs.picture))


def test_outputs_are_in_the_requested_language(sent, watch):
    values = [*knob_values(iterations=3), None, None, None, None, "zh"]
    first, *_, last = run_stylize(*sent, None, *values)
    assert first.status.headline == "正在读取图像并加载网络……"
    assert last.status.headline.startswith("完成，用时 ")
    assert last.status.detail.startswith("3 步 · ")
    assert [caption for _, caption in last.gallery][:2] == ["起始", "第 1 步"]


def test_restore_returns_the_settings_of_a_result(sent, uploads, watch):
    values = knob_values(iterations=3, size=96, seed=9, color="luminance", style_weight=7.0)
    *_, last = run_stylize(*sent, None, *values)
    assert handlers.restore(last.picture) == values


def test_restore_refuses_files_without_a_recipe(sent, uploads):
    with pytest.raises(gr.Error, match="recipe must be an uploaded picture file"):
        handlers.restore("/etc/passwd")
    with pytest.raises(gr.Error, match="carries no recipe"):
        handlers.restore(sent[0])
    with pytest.raises(gr.Error, match="Choose a PNG"):
        handlers.restore(None)


def test_info_has_version_networks_manners_presets_and_limits():
    info = handlers.service_info(Message("weights.from_file", backbone="vgg19", name="tiny"))
    assert info["weights"] == "vgg19 weights: tiny"
    assert info["backbones"][0] == "vgg19"
    assert info["presets"]["balanced"] == {}
    assert info["presets"]["fine"] == {"iterations": 60, "size": 1024}
    assert info["presets"]["classic-quick"]["statistic"] == "gram"
    assert [*info["manners"]] == ["strokes", "classic"]
    for manner in info["manners"].values():
        assert [*manner["presets"]] == ["quick", "balanced", "fine"]
        assert info["presets"].keys() >= {*manner["presets"].values()}
        assert manner["help"].endswith(".")
    assert info["limits"] == {"iterations": 2000, "size": 1536, "upload_megabytes": 30}
    assert info["languages"] == ["en", "zh"]
