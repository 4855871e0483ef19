"""The table of ``docs/reference/retries.md``, from the module that it is about.

``python -m spotify_pipeline_tests.retries.page`` writes it into the page.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

from spotify_pipeline import retries
from spotify_pipeline.retries import ANY_NUMBER, RetryPolicy
from spotify_pipeline_tests.generated_page import GeneratedPage, section, shown

PAGE = GeneratedPage("retries.md")


def policies() -> dict[str, RetryPolicy]:
    """Every policy by its name, in the module's order."""
    return {name: each for name, each in vars(retries).items() if isinstance(each, RetryPolicy)}


def as_markdown() -> str:
    """The module's policies under its own headings."""
    source = Path(retries.__file__).read_text(encoding="utf-8")
    text = ""
    for line in source.splitlines():
        if re.fullmatch(r"# [A-Z].*", line):
            head = ("policy", "what is tried", "tries", "pause before the next", "within", "one try", "then")
            text += section(line[2:], *head)
        elif made := re.match(r"([A-Z_]+) = RetryPolicy\(", line):
            text += _row(made[1], policies()[made[1]])
    return f"{text}\n"


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
    return f"| {' | '.join(cells)} |\n"


def _pauses(policy: RetryPolicy) -> str:
    if not policy.pauses:
        return "none"
    least = 1 - policy.chance
    each = ", ".join(
        _time(longest) if least == 1 else f"{f'{least * longest:g}' if least else 0} to {_time(longest)}"
        for longest in policy.pauses
    )
    return f"{each}, ..." if policy.tries - 1 > len(policy.pauses) else each


def _time(seconds: float) -> str:
    return "–" if seconds == math.inf else shown(seconds)


if __name__ == "__main__":
    PAGE.write(as_markdown())
