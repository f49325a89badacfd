"""Checks that README and docs/ agree with the code."""

from __future__ import annotations

import re
import shlex
import shutil
import tomllib
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

import neural_style
from neural_style import PRESETS, Settings
from neural_style.cli import make_parser
from neural_style.network.backbones import BACKBONES
from neural_style.network.weights import ENVIRONMENT
from neural_style.plan.defaults import resolve_auto
from neural_style.plan.schedule import join_passes, plan_passes, plan_scales
from neural_style.record.recipe import read_recipe, settings_of
from neural_style.settings.presets import MANNERS
from neural_style.settings.settings import knobs
from neural_style.settings.table import knob_row, settings_page
from neural_style.web.page.choosers import PAINTINGS, PHOTOGRAPHS
from neural_style.web.run import cleanup, cost
from neural_style.web.run.checks import MAX_UPLOAD_MEGABYTES, PAGE_LIMITS
from neural_style.web.text.languages import LANGUAGES
from neural_style.web.text.texts import translate
from tests.conftest import EXAMPLES

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
FRONT_MATTER = yaml.safe_load(README.split("---\n")[1])
REQUIREMENTS = {
    requirement.name: requirement
    for requirement in map(Requirement, (ROOT / "requirements.txt").read_text().split())
}


DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = {
    str(path.relative_to(ROOT)): path.read_text()
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *DOCS)
}
"""Every page of documentation by its path."""

each_page = pytest.mark.parametrize("page", PAGES)


def blocks(language: str, *pages: str) -> list[str]:
    """Code in that language on those pages, or on all of them."""
    texts = [PAGES[page] for page in pages or PAGES]
    return re.findall(rf"```{language}\n(.*?)```", "\n".join(texts), re.DOTALL)


def links(page: str) -> list[str]:
    """Targets of the page's links and pictures."""
    return re.findall(r"\]\(([^)]+)\)", PAGES[page])


def anchors(path: Path) -> set[str]:
    """Anchors of that page's headings."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def rows_of(page: str, heading: str) -> list[list[str]]:
    """The cells of the table under that heading, without its header row."""
    section = PAGES[page].split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def test_readme_has_at_most_150_lines():
    text = README.split("---\n", 2)[2].strip()
    assert len(text.splitlines()) <= 150


@each_page
def test_page_starts_with_title_and_summary(page):
    text = PAGES[page].split("---\n", 2)[2] if page == "README.md" else PAGES[page]
    title, empty, first, *_ = text.strip().splitlines()
    assert re.fullmatch(r"# \S.*", title)
    assert not empty
    assert re.match(r"\w", first)


def test_every_page_is_reachable_by_links_from_the_readme():
    reached, left = set(), ["README.md"]
    while left:
        page = left.pop()
        reached.add(page)
        for link in links(page):
            target = (ROOT / page).parent / link.split("#")[0]
            if target.suffix == ".md" and target.is_file():
                name = str(target.resolve().relative_to(ROOT))
                left += [name] if name in PAGES and name not in reached else []
    assert reached == PAGES.keys()


def test_front_matter_has_the_fields_of_a_space():
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


def test_space_preloads_the_hub_file_of_vgg19():
    hub = BACKBONES["vgg19"].hub
    assert FRONT_MATTER["preload_from_hub"] == [f"{hub.repo} {hub.filename} {hub.revision}"]
    assert FRONT_MATTER["models"] == [hub.repo]


def test_space_and_installed_versions_meet_the_requirements():
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


def test_settings_page_equals_the_generated_page():
    assert PAGES["docs/settings.md"] == settings_page(), "Run `make docs`."
    rows = re.findall(r"^\| `(\w+)` \|", settings_page(), re.MULTILINE)
    assert sorted(rows) == sorted(knobs())


def test_settings_row_has_default_range_and_help():
    rows = {name: knob_row(about) for name, about in knobs().items()}
    help_of = {name: about.metadata["help"] for name, about in knobs().items()}
    assert rows["size"] == f"| `size` | `512` | 64 to 4,096 | {help_of['size']} |\n"
    for name, values in (
        ("engine", "`fast`, `plain`"),
        ("network_weights", "`auto`, `hub`, `packaged` or a path"),
        ("device", "as described"),
    ):
        default = getattr(Settings(), name)
        assert rows[name] == f"| `{name}` | `{default}` | {values} | {help_of[name]} |\n"


def test_readme_has_eight_rows_of_the_settings_table():
    rows = re.findall(r"^\| `\w+` \| `.*\n", README, re.MULTILINE)
    assert len(rows) == 8
    assert {*rows} <= {knob_row(about) for about in knobs().values()}


def test_documented_make_targets_exist_and_have_descriptions():
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = "\n".join(PAGES.values())
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)(?:`|\s*#|$)", text, re.MULTILINE))
    assert {"run", "test"} <= named <= targets
    described = re.findall(r"^([\w-]+):.* ## \S", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert {*described} == targets


def test_documented_shell_commands_parse():
    lines = [line for block in blocks("sh") for line in block.replace("\\\n", " ").splitlines()]
    commands = [line for line in lines if line.startswith("python -m neural_style ")]
    assert len(commands) >= 2
    commands.remove("python -m neural_style stylize --help")
    for line in commands:
        make_parser().parse_args(shlex.split(line)[3:])


@each_page
def test_documented_flags_and_modules_exist(page):
    shown = re.findall(r"`([^`\n]+)`", PAGES[page])
    subparsers = next(a for a in make_parser()._actions if a.choices)
    known = {f for command in subparsers.choices.values() for f in command._option_string_actions}
    known |= {"--only", "--again", "--measure"}  # of the benchmarks
    for words in shown:
        if words.startswith("--"):
            assert {w for w in words.split() if w.startswith("--")} <= known, words
        for module in re.findall(r"python -m ([\w.]+)", words):
            assert find_spec(module), words


@each_page
def test_documented_files_exist(page):
    for name in re.findall(r"`([\w/.-]+\.(?:py|md|toml))`", PAGES[page]):
        assert any((ROOT / folder / name).exists() for folder in ("", "neural_style")), name


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("page", ["README.md", "docs/api.md"])
def test_documented_python_examples_run(page, tmp_path, monkeypatch):
    examples = [code for code in blocks("python", page) if "stylize(" in code]
    assert examples
    shutil.copy(EXAMPLES / "content/chelsea.jpg", tmp_path / "photo.jpg")
    shutil.copy(EXAMPLES / "style/harvest-at-la-crau.jpg", tmp_path / "painting.jpg")
    monkeypatch.chdir(tmp_path)
    for code in examples:
        exec(compile(code, page, "exec"), {})
    assert (tmp_path / "out.png").is_file()


def test_public_names_are_documented():
    names = re.findall(
        r"`(\w+)`", " ".join(" ".join(row) for row in rows_of("docs/api.md", "Python"))
    )
    assert {*neural_style.__all__} <= {*names}


@each_page
def test_link_targets_exist(page):
    for link in links(page):
        if link.startswith("https://"):
            continue
        name, _, anchor = link.partition("#")
        target = (ROOT / page).parent / name if name else ROOT / page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_example_results_have_recipes_with_default_settings():
    made = sorted((EXAMPLES / "stylized").glob("*.png"))
    assert len(made) == 4
    for path in made:
        recipe = read_recipe(path)
        assert settings_of(recipe) == Settings()
        assert recipe.iteration == Settings().iterations


@pytest.mark.parametrize(("kind", "shown"), [("content", PHOTOGRAPHS), ("style", PAINTINGS)])
def test_page_galleries_show_each_example_once(kind, shown):
    assert sorted(shown) == sorted(path.stem for path in (EXAMPLES / kind).glob("*.jpg"))


def test_examples_are_listed_in_sources_and_are_small():
    sources = (EXAMPLES / "SOURCES.md").read_text()
    for path in (*EXAMPLES.rglob("*.jpg"), *EXAMPLES.rglob("*.png")):
        assert f"{path.relative_to(EXAMPLES)}" in sources
        assert path.stat().st_size < 600_000


def test_documented_presets_match_the_code():
    for quality, label, *names in rows_of("docs/presets.md", "Presets of the two manners"):
        assert label == f"*{translate(quality.strip('`'))}*"
        assert [name.strip("`") for name in names] == [
            qualities[quality.strip("`")] for qualities in MANNERS.values()
        ]
    rows = {name.strip("`"): cells for name, *cells in rows_of("docs/presets.md", "All presets")}
    assert rows.keys() == PRESETS.keys()
    for name, preset in PRESETS.items():
        used = resolve_auto(preset)
        words = [used.statistic, used.optimizer, used.init]
        expected = [str(number) for number in (used.size, used.iterations, used.scales)]
        assert rows[name][:-1] == expected + [f"`{word}`" for word in words]
    assert PRESETS["balanced"] == Settings()


def test_readme_measurements_have_size_and_iterations_of_presets():
    runs = {
        "Strokes, the default": "balanced",
        "Strokes, `quick`": "quick",
        "Strokes, `fine`": "fine",
        "Classic": "classic",
        "Classic, `quick`": "classic-quick",
    }
    measured = {run: cells for run, *cells in rows_of("README.md", "Measurements")}
    for run, name in runs.items():
        size, iterations, *_ = measured[run]
        assert size.startswith(str(PRESETS[name].size)), run
        assert iterations == str(PRESETS[name].iterations), run


@pytest.mark.parametrize("page", ["README.md", "docs/web.md", "docs/api.md"])
def test_documented_page_limits_match_the_code(page):
    text = " ".join(PAGES[page].split())
    iterations, size = PAGE_LIMITS["iterations"], PAGE_LIMITS["size"]
    if page == "README.md":
        assert f"at most {size} pixels and {iterations} iterations" in text
    else:
        assert f"limited to {iterations} iterations and a size of {size}" in text
        assert f"a picture file to {MAX_UPLOAD_MEGABYTES} MB" in text


def test_documented_languages_match_the_code():
    (meaning,) = (row[1] for row in rows_of("docs/api.md", "HTTP") if row[0] == "`language`")
    assert re.findall(r"`(\w+)`", meaning) == [*LANGUAGES]


def test_documented_sizes_of_a_run_match_the_schedule():
    text = " ".join(PAGES["docs/web.md"].split())
    first, second, _ = plan_scales(427, 640, 512, 3, 200, 32)
    ends = first.iterations, first.iterations + second.iterations
    assert "128 pixels long until iteration {}, 256 until {},".format(*ends) in text
    shape = 427, 640, 512, resolve_auto(Settings()).scales, Settings().iterations, 32
    sizes = join_passes(plan_passes(*shape, matching=True))
    ends = [sum(size.iterations for size in sizes[: k + 1]) for k in range(3)]
    assert "64 pixels long until iteration {}, 128 until {}, 256 until {},".format(*ends) in text


def test_departures_from_the_paper_are_documented():
    """docs/presets.md names every default that differs from the paper."""
    departures = PAGES["docs/presets.md"].split("## Departures")[1].split("\n## ")[0]
    for word in ("relative", "recolored", "replicated", "cosine", "scales", "total variation"):
        assert word in departures.lower()
    assert resolve_auto(Settings()).init == "matched"
    assert resolve_auto(PRESETS["classic"]).init == "recolored"


def test_documented_networks_match_the_backbones():
    rows = {row[0].strip("`"): row for row in rows_of("docs/weights.md", "Networks")}
    assert rows.keys() == BACKBONES.keys()
    for name, (_, source, smallest, _) in rows.items():
        entry = BACKBONES[name]
        assert smallest == f"{entry.smallest_side} pixels"
        if not entry.packaged:
            assert (entry.hub.repo if entry.hub else "torchvision's file only") in source


def test_package_map_matches_the_import_contract():
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    layers = tool["importlinter"]["contracts"][0]["layers"]
    expected = [layer.replace("neural_style.", "").split(" | ") for layer in layers]
    rows = rows_of("CONTRIBUTING.md", "Map of the packages")
    assert [re.findall(r"`(\w+)`", names) for names, _ in rows] == expected


def test_deployment_guide_matches_the_code():
    guide = " ".join(PAGES["docs/deployment.md"].split())
    assert f"`{FRONT_MATTER['suggested_hardware']}`" in guide
    assert f"at most {cost.MAX_RESERVED_SECONDS} seconds" in guide
    assert f"the oldest states beyond {cleanup.MAX_STATES_BYTES // 10**9} GB" in guide
    (age,) = re.findall(r"files older than ([\w ]+) are removed", guide)
    assert {"a day": 24 * 3600}[age] == cleanup.RETENTION_SECONDS
    assert f"`{ENVIRONMENT}=packaged`" in guide
