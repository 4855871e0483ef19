"""What docs/how-to/failed-runs.md quotes is what the software says."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from spotify_pipeline_tests.components.conftest import ROOT

PAGE = ROOT / "docs" / "how-to" / "failed-runs.md"
VALUE = "\0"


def quoted() -> list[str]:
    """The messages of the page's tables."""
    cells = re.findall(r"^\| `(.+?)` \|", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [quote for cell in cells for quote in cell.split("`, `")]


def texts(source: str) -> Iterator[str]:
    """The texts of a module as they are put together; where a value is set in stands `VALUE`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else VALUE for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@pytest.mark.e2e
def test_each_part_of_a_quoted_message_stands_in_the_source() -> None:
    """`...` is a gap: a value, or words that are left out."""
    files = (ROOT / "spotify_pipeline").rglob("*.py")
    said = "\n".join(text for file in files for text in texts(file.read_text(encoding="utf-8")))
    parts = [part.strip() for quote in quoted() for part in quote.split("...") if part.strip()]
    assert not [part for part in parts if part not in said]


def test_the_page_quotes_many_messages() -> None:
    assert len(quoted()) > 20
