"""docs/reference/connection-yaml.md says of each field what the model says, in its order."""

from __future__ import annotations

import re
from pathlib import Path

import spotify_pipeline
from spotify_pipeline.settings import COMPONENT_TYPE, DEFAULT_VARIABLES, Connection

PAGE = Path(spotify_pipeline.__file__).parents[1] / "docs" / "reference" / "connection-yaml.md"
ROW = re.compile(r"^\| `([a-z_]+)` \| (\S+) \| .+? \| (.+) \|$", re.MULTILINE)


def test_the_page_has_each_field_with_its_variable_and_meaning() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert ROW.findall(text) == [
        (name, f"`{DEFAULT_VARIABLES[name]}`" if name in DEFAULT_VARIABLES else "–", " ".join(str(meaning).split()))
        for name, meaning in ((name, field.description) for name, field in Connection.model_fields.items())
    ]
    assert f"type: {COMPONENT_TYPE}" in text
