"""The reference pages name every type of identifier that this project has, with its options and its token."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from spotify_pipeline.identity import identifier_types, registered

PAGES = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", registered([]))
def test_every_type_has_its_row_and_the_row_its_options(name: str) -> None:
    text = (PAGES / "reference" / "audience-yaml.md").read_text(encoding="utf-8")
    (row,) = re.findall(rf"^\| `identifiers\.{name}` .*$", text, re.MULTILINE)
    kind = identifier_types()[name]
    assert all(option in row for option in kind.model_fields)
    assert kind.token in (PAGES / "how-to" / "extend.md").read_text(encoding="utf-8")


def test_the_command_names_every_type() -> None:
    commands = (PAGES / "reference" / "commands.md").read_text(encoding="utf-8")
    assert "`digest --type {} ".format("\\|".join(registered([]))) in commands
