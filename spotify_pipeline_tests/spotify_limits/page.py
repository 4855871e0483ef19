"""The tables of ``docs/reference/spotify-limits.md``, from the module that they are about.

``python -m spotify_pipeline_tests.spotify_limits.page`` writes them into the page.
"""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

from spotify_pipeline import spotify_limits
from spotify_pipeline_tests.generated_page import GeneratedPage, section, shown

PAGE = GeneratedPage("spotify-limits.md")
_HEADING_OR_LIMIT = re.compile(r'^# (.+)$|^([A-Z_]+) = .+\n"""(.+) Source: (.+)\."""$', flags=re.MULTILINE)


def as_markdown() -> str:
    """The module's limits under its own headings."""
    text = ""
    for heading, name, meaning, source in _HEADING_OR_LIMIT.findall(
        Path(spotify_limits.__file__).read_text(encoding="utf-8")
    ):
        if heading:
            text += section(heading, "limit", "value", "of what", "source")
        else:
            text += f"| `{name}` | {_value(getattr(spotify_limits, name))} | {meaning} | {source} |\n"
    return f"{text}\n"


def _value(value: object) -> str:
    if isinstance(value, timedelta):
        return shown(value.total_seconds())
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return f"{value:,}"


if __name__ == "__main__":
    PAGE.write(as_markdown())
