"""Which guards there are: ours, and those that a project adds. A guard of a project can only hold a list back."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Sequence
from copy import deepcopy
from typing import Any, cast

from spotify_pipeline.dotted import named
from spotify_pipeline.mirror.errors import MirrorRefused
from spotify_pipeline.mirror.guards.approval import ApprovalOf
from spotify_pipeline.mirror.guards.base import Finding, Guard, Outcome
from spotify_pipeline.mirror.guards.comparison_guards import (
    AdAccount,
    Churn,
    ColumnGone,
    Drain,
    Growth,
    HistoryKept,
    Shrink,
    Suppressions,
    Swapped,
)
from spotify_pipeline.mirror.guards.facts import GuardFacts
from spotify_pipeline.mirror.guards.limits import GuardLimits, Limit, LimitValue
from spotify_pipeline.mirror.guards.list_guards import (
    ColumnConstant,
    Empty,
    Erased,
    Invalid,
    Minimum,
    Oversize,
    PartialRead,
    StaleSource,
)
from spotify_pipeline.printable import printable

GUARDS: tuple[Guard, ...] = (
    Empty(),
    Minimum(),
    Shrink(),
    Growth(),
    Churn(),
    Drain(),
    Invalid(),
    ColumnGone(),
    ColumnConstant(),
    PartialRead(),
    StaleSource(),
    Swapped(),
    AdAccount(),
    HistoryKept(),
    Suppressions(),
    Erased(),
    Oversize(),
)
"""Ours, in the order in which they are shown."""
_NAME = re.compile(r"[a-z][a-z0-9 ]{0,39}")
_FIELD = re.compile(r"[a-z][a-z0-9_]{0,62}")
_SAYS = (Outcome.PASSED, Outcome.BLOCKED, Outcome.NOT_APPLICABLE)


class GuardUnusable(MirrorRefused):
    """A guard that a project names cannot be used; the message says why.

    Attributes:
        at: which of those that were named, from 0.
    """

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.at = at


class _Unfit(Exception):
    """Why a class is no guard that can be used, as the end of a sentence."""


def limits_of(guards: Sequence[Guard]) -> list[Limit[Any]]:
    """What audiences may state for these guards, in their order."""
    return [each.limit for each in guards if each.limit is not None]


def guard_limits(own_guards: Sequence[Guard] = (), /, **stated: LimitValue) -> GuardLimits:
    """The limits of one audience: those that it states, and the default of every other.

    Args:
        own_guards: of the project, besides ours.
        stated: values by the limit's field.

    Raises:
        TypeError: there is no such limit, or one that must be stated is not.
    """
    known = {each.field: each for each in limits_of((*GUARDS, *own_guards))}
    unknown = sorted(stated.keys() - known.keys())
    missing = [field for field, limit in known.items() if limit.must_be_stated and field not in stated]
    if unknown or missing:
        raise TypeError(f"There is no limit {unknown[0]}." if unknown else f"{missing[0]} must be stated.")
    return GuardLimits({field: stated.get(field, limit.default) for field, limit in known.items()})


def own_guards(paths: Sequence[str]) -> tuple[Guard, ...]:
    """The guards of a project, by the dotted paths of their classes: ``my_project.guards.Weekend``.

    Raises:
        GuardUnusable: one cannot be imported, is no guard, or is called as another.
    """
    found: list[Guard] = []
    for at, path in enumerate(paths):
        try:
            guard = _made(path)
            _refuse_clash(guard, (*GUARDS, *found))
        except _Unfit as error:
            raise GuardUnusable(f"The guard {printable(path)} cannot be used: {printable(str(error))}", at) from None
        found.append(guard)
    return tuple(found)


def finding_of(guard: Guard, facts: GuardFacts, limits: GuardLimits) -> Finding:
    """What a guard of a project finds. It gets copies: nothing that it does to them changes a decision.

    Raises:
        MirrorRefused: it raised, or what it gave is no finding of its own. Its words are withheld.
    """
    try:
        finding = cast("object", guard.judge(deepcopy(facts), deepcopy(limits)))
        flaw = _flaw(guard, finding)
    except Exception as error:  # noqa: BLE001 - a guard that fails blocks, and any message may quote a value
        raise MirrorRefused(
            f"The guard {guard.name} ({_path(guard)}) failed with {type(error).__name__}. Its message is withheld: it "
            "may quote data."
        ) from None
    if flaw or not isinstance(finding, Finding):
        raise MirrorRefused(f"The guard {guard.name} ({_path(guard)}) gave no finding that can be used: {flaw}.")
    return finding


def _flaw(guard: Guard, finding: object) -> str:
    """What is wrong with a finding, as the end of a sentence; empty where nothing is."""
    if not isinstance(finding, Finding) or finding.guard != guard.name or finding.outcome not in _SAYS:
        return "return self.found(...) or self.not_applicable(...)"
    texts = cast("tuple[object, ...]", (finding.figure, finding.limit, finding.sentence, *finding.beyond))
    if not all(isinstance(each, str) and each.isprintable() for each in texts):
        return "figure, limit and sentence are printable texts of one line"
    if not finding.figure or not finding.limit or (finding.outcome is Outcome.BLOCKED and not finding.sentence):
        return "figure and limit say something, and so does the sentence where it blocks"
    if not all(math.isfinite(share) and share >= 0 for share in finding.beyond.values()):
        return "the shares in beyond are finite numbers from 0 up"
    if finding.beyond and (finding.outcome is not Outcome.BLOCKED or ApprovalOf.CHANGE not in guard.approvals):
        return "only what blocks has shares in beyond, and its approvals hold ApprovalOf.CHANGE"
    return ""


def _made(path: str) -> Guard:
    """An instance of the class; _Unfit where there is none that can be used."""
    try:
        kind = named(path)
    except ValueError as reason:
        raise _Unfit(f"{str(reason).removeprefix(f'{path}: ')}.") from None
    if not isinstance(kind, type) or not issubclass(kind, Guard):
        raise _Unfit("it is no subclass of spotify_pipeline.mirror.guards.Guard.")
    if inspect.isabstract(kind):
        raise _Unfit("it has no method judge(self, facts, limits).")
    try:
        guard = kind()
    except Exception as error:  # noqa: BLE001 - whatever happens in the project's class
        raise _Unfit(f"it cannot be made without arguments: {type(error).__name__}.") from None
    _refuse_unfit(guard)
    return guard


def _refuse_unfit(guard: Guard) -> None:
    name = cast("object", getattr(guard, "name", None))
    limit = cast("object", guard.limit)
    approvals = cast("object", guard.approvals)
    if not (isinstance(name, str) and _NAME.fullmatch(name)):
        raise _Unfit('state its name: up to 40 small letters, digits and spaces, such as name = "weekend".')
    if limit is not None and not isinstance(limit, Limit):
        raise _Unfit("its limit is no Limit(field=..., kind=..., meaning=...).")
    if limit is not None and not _FIELD.fullmatch(cast("Limit[Any]", limit).field):
        raise _Unfit("the field of its limit is written with up to 63 small letters, digits and underscores.")
    if not isinstance(approvals, frozenset) or not all(
        isinstance(each, ApprovalOf) for each in cast("frozenset[object]", approvals)
    ):
        raise _Unfit("its approvals are no frozenset of ApprovalOf.")
    if approvals and ApprovalOf.FILE not in approvals:
        raise _Unfit("its approvals lack ApprovalOf.FILE. With none at all, no approval overrides it.")


def _refuse_clash(guard: Guard, others: Sequence[Guard]) -> None:
    """Two guards of one name would be covered by one approval, two limits of one field stated as one."""
    field = guard.limit.field if guard.limit is not None else None
    for other in others:
        whose = "one of this package" if other in GUARDS else _path(other)
        if guard.name == other.name:
            raise _Unfit(f"there is a guard called {guard.name} already, {whose}. Give it another name.")
        if other.limit is not None and other.limit.field == field:
            raise _Unfit(f"{field} is the limit of the guard {other.name} already, {whose}. Call its field otherwise.")


def _path(guard: Guard) -> str:
    return f"{type(guard).__module__}.{type(guard).__qualname__}"
