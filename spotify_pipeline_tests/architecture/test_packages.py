"""How packages may use each other: what import-linter (pyproject.toml), which holds the arrows, cannot say."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import spotify_pipeline

ROOT = Path(spotify_pipeline.__file__).parent
MOST_MODULES = 13
LONGEST_MODULE = 400
"""Lines."""
WITHOUT_EXPORTS = {"spotify_pipeline.defs"}
LOADED_WHEN_ASKED_FOR = {"spotify_pipeline.demo"}
"""The command line imports their modules inside functions: they load Dagster, which takes seconds."""


@cache
def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name; a package's is that of its ``__init__``."""
    found: dict[str, Path] = {}
    for file in ROOT.rglob("*.py"):
        parts = file.relative_to(ROOT.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


@cache
def packages() -> frozenset[str]:
    return frozenset(name for name, file in modules().items() if file.name == "__init__.py")


def package_of(module: str) -> str:
    return module if module in packages() else module.rpartition(".")[0]


@cache
def exported(package: str) -> frozenset[str]:
    """The names in a package's ``__all__``; one may be called as the module that it is from."""
    for node in ast.parse(modules()[package].read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return frozenset(ast.literal_eval(node.value))
    return frozenset()


def imported(module: str) -> Iterator[tuple[int, str]]:
    """The modules of ours that a module imports from, with the line."""
    for node in ast.walk(ast.parse(modules()[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module in modules():
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                is_module = submodule in modules() and alias.name not in exported(node.module)
                yield node.lineno, submodule if is_module else node.module


def may_import(module: str, other: str) -> bool:
    """A module may import modules of its own package and of those that contain it; of others, the package alone."""
    own, home = package_of(module), package_of(other)
    lazy = home in LOADED_WHEN_ASKED_FOR
    return other in packages() or own == home or own.startswith(f"{home}.") or lazy


def test_a_package_is_imported_and_not_the_modules_in_it() -> None:
    wrong = [
        f"{modules()[module].relative_to(ROOT.parent)}:{line} imports {other}; import it from {package_of(other)}"
        for module in modules()
        for line, other in imported(module)
        if not may_import(module, other)
    ]
    assert wrong == []


def test_no_module_imports_the_package_it_is_in() -> None:
    """It would find it half loaded."""
    wrong = [
        f"{modules()[module].relative_to(ROOT.parent)}:{line} imports {other}"
        for module in modules()
        for line, other in imported(module)
        if other in packages() and module != other and (module.startswith(f"{other}."))
    ]
    assert wrong == []


@pytest.mark.parametrize("package", sorted(packages()))
def test_a_package_says_what_it_is_for_and_exports_names_only(package: str) -> None:
    tree = ast.parse(modules()[package].read_text(encoding="utf-8"))
    if package in WITHOUT_EXPORTS:
        return
    assert ast.get_docstring(tree), f"{package} has no docstring"
    if package == "spotify_pipeline":  # loads its components when they are first asked for
        return
    for node in tree.body[1:]:
        exports = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        assert exports or isinstance(node, ast.ImportFrom), f"{package} holds more than exports, line {node.lineno}"


@pytest.mark.parametrize("package", sorted(packages()))
def test_a_package_is_small(package: str) -> None:
    inside = [name for name in modules() if package_of(name) == package and name != package]
    assert len(inside) <= MOST_MODULES, f"{package} has {len(inside)} modules: {', '.join(sorted(inside))}"


def test_no_module_is_long() -> None:
    long = {
        name: lines
        for name, file in modules().items()
        if (lines := len(file.read_text(encoding="utf-8").splitlines())) > LONGEST_MODULE
    }
    assert long == {}


def test_the_rule_knows_a_stranger_from_a_relative() -> None:
    assert may_import("spotify_pipeline.mirror.sync.run", "spotify_pipeline.mirror.guards")
    assert may_import("spotify_pipeline.mirror.sync.run", "spotify_pipeline.mirror.errors")
    assert may_import("spotify_pipeline.mirror.sync.run", "spotify_pipeline.mirror.sync.result")
    assert not may_import("spotify_pipeline.mirror.sync.run", "spotify_pipeline.mirror.guards.base")
    assert not may_import("spotify_pipeline.mirror.spec", "spotify_pipeline.mirror.guards.base")
