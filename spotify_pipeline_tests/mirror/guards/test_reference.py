"""The pages' tables of guards and of their limits, as the registry has them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from spotify_pipeline.mirror.guards import GUARDS, ApprovalOf, Guard, Limit, LimitKind, limits_of

DOCS = Path(__file__).parents[3] / "docs"


def shown(limit: Limit[Any]) -> str:
    """A default as the page writes it."""
    value = limit.default
    if value is None:
        return "none"
    if isinstance(value, timedelta):
        return f"{value // timedelta(hours=1)}h"
    return str(value) if limit.kind is LimitKind.COUNT else f"{value:.0%}"


def covered(guard: Guard) -> str:
    """What may override a guard, as the page writes it."""
    if guard.is_final:
        return "nothing"
    return ", ".join(str(each) for each in ApprovalOf if each in guard.approvals)


def rows(page: str, heading: str) -> list[str]:
    """The rows of the table below a heading line of a table."""
    lines = (DOCS / page).read_text(encoding="utf-8").splitlines()
    start = lines.index(heading) + 2
    return [each for each in lines[start:] if each.startswith("| ")][: len(GUARDS)]


def test_the_reference_shows_every_limit_with_its_default_as_the_registry_has_it():
    page = (DOCS / "reference" / "audience-yaml.md").read_text(encoding="utf-8")
    told = {each for each in page.splitlines() if each.startswith("| `guards.")}
    assert told == {f"| `guards.{each.field}` | {shown(each)} | {each.meaning} |" for each in limits_of(GUARDS)}


def test_the_page_on_lists_held_back_shows_every_guard_as_the_registry_has_it():
    heading = "| guard | holds back | limit | overridden by an approval of |"
    expected = [
        f"| {each.name} | {each.why} | {f'`{each.limit.field}`' if each.limit else ''} | {covered(each)} |"
        for each in GUARDS
    ]
    assert rows("how-to/held-back-lists.md", heading) == expected


def test_no_page_and_no_guard_is_without_a_word():
    assert all(each.why for each in GUARDS)
    assert all(each.meaning for each in limits_of(GUARDS))
