"""The part of a reference page that is written from the code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
_PART = re.compile(r"(?<=<!-- begin -->\n).*(?=<!-- end -->)", flags=re.DOTALL)


@dataclass(frozen=True)
class GeneratedPage:
    """A page of ``docs/reference``: what is between its marks is written, all else is by hand."""

    name: str

    @property
    def stated(self) -> str:
        """What the page says."""
        found = _PART.search(self._file.read_text(encoding="utf-8"))
        assert found is not None, f"{self.name} has lost its marks"
        return found.group()

    def write(self, text: str) -> None:
        self._file.write_text(_PART.sub(lambda _: text, self._file.read_text(encoding="utf-8")), encoding="utf-8")

    @property
    def _file(self) -> Path:
        return ROOT / "docs" / "reference" / self.name


def section(heading: str, *columns: str) -> str:
    """A heading and the head of a table."""
    return f"\n## {heading}\n\n| {' | '.join(columns)} |\n{'|---' * len(columns)}|\n"


def shown(seconds: float) -> str:
    """A time, in the largest unit in which it is a whole number of at least two."""
    for unit, size in (("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s" if seconds >= 0.1 else f"{seconds * 1000:g} ms"
