"""What the README says is so."""

from __future__ import annotations

import re
import shlex
import shutil
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from neural_style import PRESETS, Settings
from neural_style.cli import _parser
from neural_style.network.backbones import BACKBONES
from neural_style.network.weights import ENVIRONMENT
from neural_style.plan.schedule import join_passes, plan_passes, plan_scales
from neural_style.plan.usual import settle
from neural_style.record.recipe import read_recipe
from neural_style.settings.presets import MANNERS
from neural_style.settings.settings import knobs
from neural_style.web.page.layout import FINISHED, PAIRS
from neural_style.web.run import cost, runs
from neural_style.web.run.checks import PAGE_LIMITS
from tests.conftest import EXAMPLES

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
FRONT_MATTER = yaml.safe_load(README.split("---\n")[1])
REQUIREMENTS = {
    requirement.name: requirement
    for requirement in map(Requirement, (ROOT / "requirements.txt").read_text().split())
}


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_front_matter_is_what_a_space_reads():
    assert FRONT_MATTER.keys() >= {
        *("title", "emoji", "colorFrom", "colorTo", "sdk", "sdk_version", "python_version"),
        *("app_file", "suggested_hardware", "license", "short_description", "tags", "models"),
        *("preload_from_hub",),
    }
    assert FRONT_MATTER["sdk"] == "gradio"
    assert (ROOT / FRONT_MATTER["app_file"]).is_file()
    assert len(FRONT_MATTER["short_description"]) <= 60
    colors = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
    assert {FRONT_MATTER["colorFrom"], FRONT_MATTER["colorTo"]} <= colors
    assert isinstance(FRONT_MATTER["python_version"], str)


def test_the_space_preloads_the_file_that_the_code_asks_for():
    hub = BACKBONES["vgg19"].hub
    assert FRONT_MATTER["preload_from_hub"] == [f"{hub.repo} {hub.filename} {hub.revision}"]
    assert FRONT_MATTER["models"] == [hub.repo]


def test_the_space_and_these_tests_meet_the_requirements():
    assert REQUIREMENTS["gradio"].specifier.contains(FRONT_MATTER["sdk_version"])
    assert version("gradio") == FRONT_MATTER["sdk_version"]
    for name, requirement in REQUIREMENTS.items():
        assert requirement.specifier.contains(version(name)), name
    for torch in ("2.8.0", "2.9.1", "2.10.0", "2.11.0", "2.14.1"):
        assert REQUIREMENTS["torch"].specifier.contains(torch)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lowest = project["requires-python"].removeprefix(">=")
    assert [int(part) for part in lowest.split(".")] <= [
        int(part) for part in FRONT_MATTER["python_version"].split(".")
    ]


def test_there_is_a_row_for_every_knob_with_its_default_range_and_help():
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", README, re.MULTILINE))
    expected = {}
    for name, about in knobs().items():
        low, high, choices = (about.metadata[key] for key in ("low", "high", "choices"))
        if choices:
            values = ", ".join(f"`{choice}`" for choice in choices)
            values += " or a path" if about.metadata["or_path"] else ""
        elif about.metadata["check"]:
            values = f"`{about.default}`, or as described"
        else:
            values = "a device" if low is None else f"{low:,} to {high:,}"
        expected[name] = f"`{about.default}` | {values} | {about.metadata['help']}"
    assert rows == expected


def test_the_commands_are_those_of_the_makefile():
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = README + (ROOT / "CONTRIBUTING.md").read_text()
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE))
    assert {"run", "test"} <= named <= targets


def test_the_shell_commands_parse():
    lines = [line for block in blocks("sh") for line in block.replace("\\\n", " ").splitlines()]
    commands = [line for line in lines if line.startswith("python -m neural_style")]
    assert len(commands) >= 2
    commands.remove("python -m neural_style stylize --help")
    for line in commands:
        _parser().parse_args(shlex.split(line)[3:])


@pytest.mark.usefixtures("tiny")
def test_the_first_python_example_runs(tmp_path, monkeypatch):
    code = next(block for block in blocks("python") if "stylize(" in block)
    shutil.copy(EXAMPLES / "content/chelsea.jpg", tmp_path / "photo.jpg")
    shutil.copy(EXAMPLES / "style/harvest-at-la-crau.jpg", tmp_path / "painting.jpg")
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})
    assert (tmp_path / "out.png").is_file()


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/deployment.md"]
)
def test_links_to_files_lead_somewhere(page):
    text = (ROOT / page).read_text()
    links = re.findall(r"\]\(([^)#]+)\)|(?:src|href)=\"([^\"]+)\"", text)
    for link in filter(None, (one or other for one, other in links)):
        assert link.startswith("https://") or (ROOT / link).exists(), link


def test_every_picture_made_here_carries_its_recipe_of_the_defaults():
    made = sorted((EXAMPLES / "stylized").glob("*.png"))
    assert [path.stem for path in made] == sorted(content for content, _ in FINISHED)
    for path in made:
        recipe = read_recipe(path)
        usual = {name: getattr(Settings(), name) for name in recipe.settings}
        assert recipe.settings == usual
        assert recipe.iteration == Settings().iterations


def test_the_examples_of_the_page_are_there_and_of_many_styles():
    for content, style in PAIRS:
        assert (EXAMPLES / f"content/{content}.jpg").is_file()
        assert (EXAMPLES / f"style/{style}.jpg").is_file()
    assert len({style for _, style in PAIRS}) == len(PAIRS) == 8


def test_every_example_has_its_source_and_licence():
    sources = (EXAMPLES / "SOURCES.md").read_text()
    for path in (*EXAMPLES.rglob("*.jpg"), *EXAMPLES.rglob("*.png")):
        assert f"{path.relative_to(EXAMPLES)}" in sources
        assert path.stat().st_size < 600_000


def test_the_manners_presets_and_the_pages_limits_are_those_told():
    text = " ".join(README.split())
    own = {
        manner: {quality: PRESETS[name] for quality, name in qualities.items()}
        for manner, qualities in MANNERS.items()
    }
    quick, balanced, fine = own["strokes"].values()
    assert balanced == Settings()
    assert f"`quick` ({quick.size} pixels, {quick.iterations} iterations)" in text
    assert f"`balanced` (the defaults: {balanced.size}, {balanced.iterations})" in text
    assert f"`fine` ({fine.size}, {fine.iterations});" in text
    quick, balanced, fine = own["classic"].values()
    assert f"`quick` ({quick.size}, {quick.iterations})" in text
    assert f"`balanced` ({balanced.size}, {balanced.iterations})" in text
    assert f"`fine` ({fine.size}, {fine.iterations} over four sizes)" in text
    assert fine.scales == 4
    iterations, size = PAGE_LIMITS["iterations"], PAGE_LIMITS["size"]
    assert f"held to {iterations} iterations and a size of {size}." in text
    first, second, _ = plan_scales(427, 640, 512, 3, 200, 32)
    ends = first.iterations, first.iterations + second.iterations
    assert "128 pixels long until iteration {}, 256 until {},".format(*ends) in text
    shape = 427, 640, 512, settle(Settings()).scales, Settings().iterations, 32
    sizes = join_passes(plan_passes(*shape, matching=True))
    ends = [sum(size.iterations for size in sizes[: k + 1]) for k in range(3)]
    assert "64 pixels long until iteration {}, 128 until {}, 256 until {},".format(*ends) in text


def test_the_papers_settings_are_not_claimed_for_ours():
    """The README names every default that leaves the paper."""
    departures = README.split("## Departures")[1].split("\n## ")[0]
    for word in ("relative", "recolored", "replicated", "cosine", "scales", "total variation"):
        assert word in departures
    assert settle(Settings()).init == "matched"
    assert settle(PRESETS["classic"]).init == "recolored"


def test_the_guide_to_deployment_says_what_the_code_does():
    guide = " ".join((ROOT / "docs/deployment.md").read_text().split())
    assert f"`{FRONT_MATTER['suggested_hardware']}`" in guide
    assert f"at most {cost.MOST_RESERVED_SECONDS} seconds" in guide
    assert f"of states the oldest beyond {runs.STATES_KEPT_BYTES // 10**9} GB" in guide
    assert runs.KEPT_SECONDS == 24 * 3600
    assert f"`{ENVIRONMENT}=packaged`" in guide
