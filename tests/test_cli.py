"""The shell: commands, flags, files and error messages."""

from __future__ import annotations

import os
import re
import runpy
import shutil
import signal
import subprocess
import sys
import time
from types import ModuleType
from typing import NoReturn

import av
import pytest
import torch
from PIL import Image

import neural_style
from neural_style import PRESETS, FileError, Settings, cli, load_image, save_image, transfer
from neural_style.cli import main
from neural_style.images.files import resize
from neural_style.settings.knob import write_knob
from neural_style.settings.presets import MANNER_HELP, MANNERS
from neural_style.settings.settings import knobs
from tests.conftest import EXAMPLES

CONTENT = str(EXAMPLES / "content/chelsea.jpg")
STYLE = str(EXAMPLES / "style/harvest-at-la-crau.jpg")


def run(*arguments: str) -> int:
    return main(["stylize", CONTENT, STYLE, *arguments])


@pytest.mark.usefixtures("tiny")
def test_stylize_command_writes_picture_and_reports_progress(tmp_path, capfd):
    out = tmp_path / "out.png"
    assert run("-o", str(out), "--size", "96", "--iterations", "6") == 0
    assert load_image(out).shape == (1, 3, 64, 96)
    output = capfd.readouterr()
    assert re.search(r"out\.png \(96×64, after 6 of 6 iterations, \d+ s\)", output.out)
    assert "vgg19 weights: tiny" in output.err
    assert re.search(r"6/6, content [\d.e-]+, style [\d.e-]+, tv [\d.e-]+, 0 s left", output.err)


@pytest.mark.usefixtures("tiny")
def test_several_styles_and_masks_are_read_from_files(tmp_path, capfd):
    sky, ground, out = (tmp_path / name for name in ("sky.png", "ground.png", "out.png"))
    mask = torch.zeros(1, 3, *load_image(CONTENT).shape[-2:])
    mask[..., : mask.shape[2] // 2, :] = 1
    save_image(mask, sky)
    save_image(1 - mask, ground)
    other = str(EXAMPLES / "style/church-at-auvers.jpg")
    masks = ["--mask", str(sky), "--mask", str(ground), "--keep", str(sky)]
    size = ["--size", "96", "--iterations", "3"]
    assert main(["stylize", CONTENT, STYLE, other, "-o", str(out), *masks, *size]) == 0
    assert "style 1" in capfd.readouterr().err
    kept = load_image(out)[..., :30, :]
    small = resize(load_image(CONTENT), 64, 96)[..., :30, :]
    assert (kept - small).abs().max() < 0.01
    assert main(["stylize", CONTENT, STYLE, other, "-o", str(out), *masks[:2], *size]) == 2
    assert "The number of masks (1) differs" in capfd.readouterr().err


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("manner", ["strokes", "classic"])
def test_transparent_style_areas_equal_masked_style_areas(manner, tmp_path):
    """The output files are byte-identical, including the recipe."""
    files = {name: tmp_path / f"{name}.png" for name in ("clear", "flat", "mask")}
    with Image.open(STYLE) as painted:
        alpha = Image.linear_gradient("L").resize(painted.size)
        alpha.paste(0, (0, 0, painted.width // 2, painted.height))
        painted.putalpha(alpha)
        painted.save(files["clear"])
    save_image(load_image(files["clear"]), files["flat"])
    alpha.save(files["mask"])
    out = tmp_path / "out.png"

    def picture(style: str, *more: str) -> bytes:
        small = ["--size", "96", "--iterations", "3", "--manner", manner]
        assert main(["stylize", CONTENT, str(files[style]), "-o", str(out), *small, *more]) == 0
        return out.read_bytes()

    masked = picture("flat", "--style-mask", str(files["mask"]))
    assert picture("clear") == masked
    assert picture("flat") != masked


@pytest.mark.slow
@pytest.mark.usefixtures("tiny")
def test_frames_flag_saves_intermediate_pictures(tmp_path):
    frames = tmp_path / "a" / "frames"
    assert run("-o", str(tmp_path / "o.png"), "--frames", str(frames), "--iterations", "5") == 0
    names = sorted(path.name for path in frames.iterdir())
    assert names == ["000000.png", "000001.png", "000002.png", "000005.png"]
    assert load_image(frames / "000005.png").equal(load_image(tmp_path / "o.png"))


@pytest.mark.usefixtures("tiny")
def test_time_lapse_flag_writes_a_film(tmp_path):
    film, out = tmp_path / "film.mp4", str(tmp_path / "out.png")
    assert run("-o", out, "--time-lapse", str(film), "--size", "96", "--iterations", "7") == 0
    with av.open(str(film)) as frames:
        shapes = [frame.to_ndarray(format="rgb24").shape for frame in frames.decode(video=0)]
    assert shapes == (8 + 24) * [(64, 96, 3)]


def test_every_setting_has_a_flag_whose_help_names_the_default(capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["stylize", "--help"])
    assert exit_.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    for name, about in knobs().items():
        assert f"--{name.replace('_', '-')} " in text
        assert f"{about.metadata['help']} (default: {write_knob(about, about.default)})" in text


@pytest.fixture
def requested_settings(monkeypatch) -> list[Settings]:
    """The settings of each call of `stylize`, which raises KeyboardInterrupt at once."""
    seen = []

    def fake(content, style, settings, *, masks, init_image, every, replay):
        seen.append(settings)
        raise KeyboardInterrupt

    monkeypatch.setattr("neural_style.cli.stylize", fake)
    return seen


def test_flags_and_presets_become_settings(requested_settings, tmp_path, capsys):
    out = str(tmp_path / "o.png")
    assert run("-o", out) == 130
    assert capsys.readouterr().err == "Stopped before there was a picture.\n"
    run("-o", out, "--preset", "fine", "--style-weight", "3.5", "--seed", "7", "--init", "noise")
    assert requested_settings[0] == Settings()
    assert (
        requested_settings[1].size,
        requested_settings[1].style_weight,
        requested_settings[1].seed,
    ) == (1024, 3.5, 7)
    assert requested_settings[1].init == "noise"


@pytest.mark.parametrize(
    ("arguments", "preset"),
    [
        ([], "balanced"),
        (["--manner", "strokes"], "balanced"),
        (["--manner", "classic"], "classic"),
        *(
            (["--manner", manner, "--preset", quality], preset)
            for manner, qualities in MANNERS.items()
            for quality, preset in qualities.items()
        ),
        (["--manner", "classic", "--preset", "classic-fine"], "classic-fine"),
        *((["--preset", name], name) for name in PRESETS),
    ],
)
def test_manner_and_quality_choose_a_preset(arguments, preset, requested_settings, tmp_path):
    run("-o", str(tmp_path / "o.png"), *arguments)
    assert requested_settings == [PRESETS[preset]]


def test_help_describes_each_manner(capsys):
    with pytest.raises(SystemExit):
        main(["stylize", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    for name, what in MANNER_HELP.items():
        assert f"{name}: {what}" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--iterations", "0"], "iterations must be a whole number from 1 to 100,000; it is 0."),
        (["--style-weight", "nan"], "style_weight must be a number from 0.0 to"),
        (["--pooling", "median"], "pooling must be one of max, avg, l2; it is 'median'."),
        (["--size", "large"], "argument --size: invalid int value: 'large'"),
        (
            ["--manner", "classic", "--preset", "gatys-2015"],
            "The preset gatys-2015 is not one of manner classic, whose presets are quick, balanced",
        ),
        (
            ["--manner", "strokes", "--preset", "classic"],
            "The preset classic is not one of manner strokes",
        ),
        (["--manner", "oil"], "argument --manner: invalid choice: 'oil'"),
        (["--preset", "best"], "argument --preset: invalid choice: 'best'"),
        (["--nonsense"], "unrecognized arguments: --nonsense"),
        (["--frames", CONTENT], "Cannot make the folder"),
        (["--time-lapse", "film.gif"], "a film's ending is one of .webp, .mp4, not .gif"),
        (["--device", "tpu"], "There is no device 'tpu' here."),
        (["--init-image", "no-such.png"], "Cannot read no-such.png: No such file or directory."),
        (["--network-weights", "no-such.pth"], "There is no weights file no-such.pth."),
        (["--network-weights", "."], ". is a folder or a device."),
    ],
)
def test_user_error_prints_one_line_and_exits_with_code_2(arguments, message, tmp_path, capfd):
    out = tmp_path / "out.png"
    try:
        code = run("-o", str(out), *arguments)
    except SystemExit as exit_:
        code = exit_.code
    assert code == 2
    output = capfd.readouterr().err
    assert output.count("\n") == 1
    assert message in output
    assert not out.exists()


def test_unwritable_output_is_rejected_before_the_run(tmp_path, capsys):
    for out, message in (
        ("out.gif", "the ending .gif names no format"),
        (str(tmp_path / "none" / "out.png"), "Make that folder first"),
    ):
        assert run("-o", out) == 2
        assert message in capsys.readouterr().err


@pytest.mark.parametrize("which", ["content", "style"])
def test_error_names_the_file_that_is_not_a_picture(which, tmp_path, capsys):
    bad = tmp_path / f"{which}.png"
    bad.write_text("<svg/>")
    pair = {"content": CONTENT, "style": STYLE} | {which: str(bad)}
    assert main(["stylize", pair["content"], pair["style"], "-o", str(tmp_path / "o.png")]) == 2
    assert f"{which}.png is not a picture that can be read here." in capsys.readouterr().err


@pytest.mark.usefixtures("tiny")
def test_the_newest_picture_is_saved_when_a_run_fails(tmp_path, monkeypatch, capsys):
    out, frames = tmp_path / "out.png", tmp_path / "frames"
    save = cli.save_image

    def full_disk(image, path, *rest, **options):
        if path.parent == frames and path.name == "000005.png":
            raise FileError("file.not_written", path="a.png", reason="the disk is full")
        return save(image, path, *rest, **options)

    monkeypatch.setattr(cli, "save_image", full_disk)
    assert run("-o", str(out), "--size", "96", "--iterations", "12", "--frames", str(frames)) == 2
    output = capsys.readouterr()
    assert "the disk is full" in output.err
    assert "Stopped. The best picture so far is in" in output.out
    assert "after 5 of 12 iterations" in output.out
    assert load_image(out).shape == (1, 3, 64, 96)


def test_output_never_overwrites_an_input(tmp_path, capsys):
    for which in ("content", "style"):
        photo = tmp_path / f"{which}.jpg"
        shutil.copy(CONTENT, photo)
        pair = {"content": CONTENT, "style": STYLE} | {which: str(photo)}
        assert main(["stylize", pair["content"], pair["style"], "-o", str(photo)]) == 2
        assert f"would replace the {which} image" in capsys.readouterr().err
        assert photo.read_bytes() == (EXAMPLES / "content/chelsea.jpg").read_bytes()
    drawn = tmp_path / "mask.png"
    Image.new("L", (30, 20), 255).save(drawn)
    before = drawn.read_bytes()
    for flag, name in (
        ("--mask", "mask"),
        ("--style-mask", "mask"),
        ("--keep", "keep mask"),
        ("--init-image", "start picture"),
    ):
        assert main(["stylize", CONTENT, STYLE, flag, str(drawn), "-o", str(drawn)]) == 2
        assert f"would replace the {name} {drawn}" in capsys.readouterr().err
        assert drawn.read_bytes() == before


def test_film_and_frames_never_overwrite_inputs_or_output(tmp_path, capsys):
    film = tmp_path / "style.webp"
    with Image.open(STYLE) as painting:
        painting.resize((80, 64)).save(film)
    frame = tmp_path / "000001.png"
    Image.new("RGB", (96, 64), "red").save(frame)
    before = film.read_bytes(), frame.read_bytes()
    out = str(tmp_path / "out.png")
    assert main(["stylize", CONTENT, str(film), "-o", out, "--time-lapse", str(film)]) == 2
    assert f"would replace the style image {film}" in capsys.readouterr().err
    frames = ["--frames", str(tmp_path)]
    assert main(["stylize", CONTENT, STYLE, "-o", out, "--init-image", str(frame), *frames]) == 2
    assert f"would replace the start picture {frame}" in capsys.readouterr().err
    both = str(tmp_path / "both.webp")
    assert main(["stylize", CONTENT, STYLE, "-o", both, "--time-lapse", both]) == 2
    assert f"The picture and the film would both be {both}" in capsys.readouterr().err
    assert (film.read_bytes(), frame.read_bytes()) == before
    assert len([*tmp_path.iterdir()]) == 2


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["stylize", "", STYLE], "CONTENT"),
        (["stylize", CONTENT, STYLE, ""], "STYLE"),
        (["stylize", CONTENT, STYLE, "--keep", ""], "--keep"),
        (["stylize", CONTENT, STYLE, "--mask", ""], "--mask"),
        (["stylize", CONTENT, STYLE, "--style-mask", ""], "--style-mask"),
        (["stylize", CONTENT, STYLE, "--init-image", ""], "--init-image"),
        (["stylize", CONTENT, STYLE, "--frames", ""], "--frames"),
        (["stylize", CONTENT, STYLE, "--time-lapse", ""], "--time-lapse"),
        (["stylize", CONTENT, STYLE, "-o", ""], "-o/--output"),
        (["replay", "", "--content", CONTENT, "--style", STYLE], "RESULT"),
        (["replay", "a.png", "--content", "", "--style", STYLE], "--content"),
        (["replay", "a.png", "--content", CONTENT, "--style", ""], "--style"),
    ],
)
def test_empty_file_name_is_rejected(arguments, named, capsys):
    with pytest.raises(SystemExit) as ended:
        main([*arguments, *([] if "-o" in arguments else ["-o", "out.png"])])
    assert ended.value.code == 2
    assert f"argument {named}: the file name is empty" in capsys.readouterr().err


def test_import_of_the_package_does_not_import_torch():
    program = "import sys, neural_style; print('torch' in sys.modules, *dir(neural_style))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.stdout.split() == ["False", *sorted(neural_style.__all__)], run.stderr


def test_public_names_are_those_of_their_modules():
    for name in neural_style.__all__:
        assert getattr(neural_style, name) is not None
    assert neural_style.stylize is transfer.stylize
    with pytest.raises(AttributeError, match="has no attribute 'paint'"):
        _ = neural_style.paint


def test_ctrl_c_while_the_imports_go_on_is_quiet(monkeypatch):
    class Interrupted(ModuleType):
        def __getattr__(self, name: str) -> NoReturn:
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "neural_style.cli", Interrupted("neural_style.cli"))
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("neural_style", run_name="__main__")
    assert ended.value.code == 130


def restore_sigint() -> None:
    """Restores the default in a child process: background processes start with SIGINT ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize(
    ("number", "code"),
    [pytest.param(signal.SIGINT, 130, marks=pytest.mark.slow), (signal.SIGTERM, 143)],
)
def test_signal_saves_the_best_picture_and_prints_its_path(tmp_path, number, code):
    """Runs in a separate process with the real network."""
    out = tmp_path / "kept.png"
    frames = tmp_path / "frames"
    command = [sys.executable, "-m", "neural_style", "stylize", CONTENT, STYLE, "-o", str(out)]
    command += ["--size", "96", "--iterations", "100000", "--frames", str(frames)]
    command += ["--manner", "classic", "--scales", "1"]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
        preexec_fn=restore_sigint,
    )
    try:
        deadline = time.monotonic() + 120
        while not (frames / "000005.png").exists():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        process.send_signal(number)
        output, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == code
    assert re.search(
        r"Stopped\. The best picture so far is in .*kept\.png \(\d+×\d+, after", output
    )
    assert "Traceback" not in errors
    assert load_image(out).shape == (1, 3, 64, 96)
