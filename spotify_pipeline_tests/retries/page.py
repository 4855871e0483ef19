"""The table of ``docs/reference/retries.md``, from the module that it is about.

``python -m spotify_pipeline_tests.retries.page`` writes it into the page.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

from spotify_pipeline import retries
from spotify_pipeline.retries import ANY_NUMBER, RetryPolicy

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "retries.md"
_TABLES = re.compile(r"(?<=<!-- begin -->\n).*(?=<!-- end -->)", flags=re.DOTALL)


def policies() -> dict[str, RetryPolicy]:
    """Every policy by its name, in the module's order."""
    return {name: each for name, each in vars(retries).items() if isinstance(each, RetryPolicy)}


def as_markdown() -> str:
    """The module's policies under its own headings."""
    source = Path(retries.__file__).read_text(encoding="utf-8")
    lines: list[str] = []
    for line in source.splitlines():
        if re.fullmatch(r"# [A-Z].*", line):
            head = ("policy", "what is tried", "tries", "pause before the next", "within", "one try", "then")
            lines += ["", f"## {line[2:]}", "", f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
        elif made := re.match(r"([A-Z_]+) = RetryPolicy\(", line):
            lines.append(_row(made[1], policies()[made[1]]))
    return "\n".join(lines) + "\n\n"


def _row(name: str, policy: RetryPolicy) -> str:
    tries = "any number" if policy.tries == ANY_NUMBER else str(policy.tries)
    cells = (
        f"`{name}`",
        policy.what,
        tries,
        _pauses(policy),
        _time(policy.within),
        _time(policy.one_try),
        policy.after,
    )
    return f"| {' | '.join(cells)} |"


def _pauses(policy: RetryPolicy) -> str:
    if not policy.pauses:
        return "none"
    least = 1 - policy.chance
    shown = ", ".join(
        _time(longest) if least == 1 else f"{f'{least * longest:g}' if least else 0} to {_time(longest)}"
        for longest in policy.pauses
    )
    return f"{shown}, ..." if policy.tries - 1 > len(policy.pauses) else shown


def _time(seconds: float) -> str:
    if seconds == math.inf:
        return "–"
    for unit, size in (("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s" if seconds >= 0.1 else f"{seconds * 1000:g} ms"


def stated() -> str:
    """The tables as the page has them."""
    found = _TABLES.search(PAGE.read_text(encoding="utf-8"))
    assert found is not None, f"{PAGE.name} has lost its marks"
    return found.group()


if __name__ == "__main__":
    PAGE.write_text(_TABLES.sub(lambda _: as_markdown(), PAGE.read_text(encoding="utf-8")), encoding="utf-8")
