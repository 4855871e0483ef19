"""The code on a page of docs/how-to, so that a test runs what a reader copies."""

from __future__ import annotations

import re
from pathlib import Path

_PAGES = Path(__file__).parents[1] / "docs" / "how-to"


def code_on(page: str, heading: str, language: str) -> list[str]:
    """The blocks of code in this language below a heading of a page, up to the next heading."""
    text = (_PAGES / page).read_text(encoding="utf-8")
    (section,) = re.findall(rf"(?ms)^## {re.escape(heading)}$(.*?)(?=^## |\Z)", text)
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```$", section)
