"""How packages may use each other: what import-linter (pyproject.toml), which holds the arrows, cannot say."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import spotify_pipeline
from spotify_pipeline_tests.architecture.import_chain import House

ROOT = Path(spotify_pipeline.__file__).parents[1]
PACKAGES = sorted(
    ".".join(file.parent.relative_to(ROOT).parts) for file in (ROOT / "spotify_pipeline").rglob("__init__.py")
)
MOST_MODULES = 13
LONGEST_MODULE = 400
"""Lines."""
WITHOUT_EXPORTS = {"spotify_pipeline.defs"}
LOADS_NAMES_LATE = {"spotify_pipeline", "spotify_pipeline.sandbox"}
"""They import what they export when it is first asked for: Dagster takes seconds, and the server is an extra."""
LOADED_WHEN_ASKED_FOR = {"spotify_pipeline.demo"}
"""The command line imports their modules inside functions: they load Dagster, which takes seconds."""


def exported(package: str) -> frozenset[str]:
    """The names in a package's ``__all__``; one may be called as the module that it is from."""
    for node in House.ours().modules[package].body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return frozenset(ast.literal_eval(node.value))
    return frozenset()


def imports() -> Iterator[tuple[str, int, str]]:
    """Every import of ours, those for types only among them: the module, the line, and the module imported from."""
    for module, tree in House.ours().modules.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module and node.module in House.ours().modules:
                for alias in node.names:
                    submodule = f"{node.module}.{alias.name}"
                    is_module = submodule in House.ours().modules and alias.name not in exported(node.module)
                    yield module, node.lineno, submodule if is_module else node.module


def may_import(module: str, other: str) -> bool:
    """A module may import modules of its own package and of those that contain it; of others, the package alone."""
    own, home = House.ours().package_of(module), House.ours().package_of(other)
    lazy = home in LOADED_WHEN_ASKED_FOR
    return other in House.ours().packages or own == home or own.startswith(f"{home}.") or lazy


def test_a_package_is_imported_and_not_the_modules_in_it() -> None:
    wrong = [
        f"{module}:{line} imports {other}; import it from {House.ours().package_of(other)}"
        for module, line, other in imports()
        if not may_import(module, other)
    ]
    assert wrong == []


def test_no_module_imports_the_package_it_is_in() -> None:
    """It would find it half loaded."""
    wrong = [
        f"{module}:{line} imports {other}"
        for module, line, other in imports()
        if other in House.ours().packages and module.startswith(f"{other}.")
    ]
    assert wrong == []


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_says_what_it_is_for_and_exports_names_only(package: str) -> None:
    tree = House.ours().modules[package]
    if package in WITHOUT_EXPORTS:
        return
    assert ast.get_docstring(tree), f"{package} has no docstring"
    if package in LOADS_NAMES_LATE:
        return
    for node in tree.body[1:]:
        exports = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        assert exports or isinstance(node, ast.ImportFrom), f"{package} holds more than exports, line {node.lineno}"


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_is_small(package: str) -> None:
    inside = [name for name in House.ours().files() if House.ours().package_of(name) == package]
    assert len(inside) <= MOST_MODULES, f"{package} has {len(inside)} modules: {', '.join(sorted(inside))}"


def test_no_module_is_long() -> None:
    assert {name: lines for name, lines in House.ours().lines.items() if lines > LONGEST_MODULE} == {}


def test_the_rule_knows_a_stranger_from_a_relative() -> None:
    assert may_import("spotify_pipeline.mirror.sync.run", "spotify_pipeline.mirror.guards")
    assert may_import("spotify_pipeline.mirror.sync.run", "spotify_pipeline.mirror.errors")
    assert may_import("spotify_pipeline.mirror.sync.run", "spotify_pipeline.mirror.sync.result")
    assert not may_import("spotify_pipeline.mirror.sync.run", "spotify_pipeline.mirror.guards.base")
    assert not may_import("spotify_pipeline.mirror.spec", "spotify_pipeline.mirror.guards.base")
