"""Only resources and the command line read this process's environment; everything below is given what it needs."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from spotify_pipeline_tests.architecture.import_chain import House

READERS = ("spotify_pipeline.cli.", "spotify_pipeline.components.connection.")
"""The command line, and the component that makes the resources."""
EXCEPTIONS = {
    "spotify_pipeline.components.configured": "the base of all resources",
    "spotify_pipeline.components.project_connection": "the connection, as the other components see it",
    "spotify_pipeline.components.sources.dbt_build": "tells dbt, which reads its profile from variables, the warehouse",
    "spotify_pipeline.process": "keeps our variables from the processes of others",
}
NAMES = frozenset({"environ", "environb", "getenv", "getenvb", "putenv", "load_dotenv"})


def reads(tree: ast.Module) -> Iterator[int]:
    """The lines on which a module reads or changes the environment."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os":
            if node.attr in NAMES:
                yield node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module in ("os", "dotenv"):
            yield from (node.lineno for alias in node.names if alias.name in NAMES)


def readers() -> dict[str, list[int]]:
    """The modules that do, with the lines."""
    return {name: lines for name, tree in House.ours().modules.items() if (lines := list(reads(tree)))}


def test_only_resources_and_the_command_line_read_the_environment() -> None:
    wrong = {
        name: lines for name, lines in readers().items() if not name.startswith(READERS) and name not in EXCEPTIONS
    }
    assert wrong == {}, "Take the value as an argument; `spotify_pipeline.settings` knows it."


def test_every_exception_is_still_one() -> None:
    assert set(EXCEPTIONS) <= set(readers())


@pytest.mark.parametrize(
    "text",
    [
        "import os\nos.environ['A']",
        "import os\nos.getenv('A')",
        "from os import environ",
        "from dotenv import load_dotenv",
    ],
)
def test_the_rule_sees_every_way_to_read_it(text: str) -> None:
    assert list(reads(ast.parse(text)))


def test_the_rule_sees_no_other() -> None:
    assert not list(reads(ast.parse("import os\nos.sep\nfrom dotenv import dotenv_values")))
