"""How one thing stands that a sync needs, as `doctor` says it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from spotify_pipeline.errors import ExpectedError


class State(Enum):
    """How one thing stands."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    UNKNOWN = "unknown"


HARM = (State.FAILED, State.UNKNOWN, State.WARNING, State.OK)


@dataclass(frozen=True)
class CheckResult:
    """The outcome of one look, as a sentence that ends with what to do where something is wrong."""

    state: State
    sentence: str


def checked(look: Callable[[], CheckResult]) -> CheckResult:
    """What ``look`` finds; what can be expected to go wrong while looking is a result, too."""
    try:
        return look()
    except ExpectedError as error:
        return CheckResult(State.FAILED, str(error))
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else type(error).__name__
        return CheckResult(
            State.FAILED, f"{error.filename or 'a file'} cannot be used ({reason}). Correct its owner or mode."
        )
    except Exception as error:  # noqa: BLE001 - of a damaged file it may be anything, and its message may quote it
        return CheckResult(
            State.FAILED,
            f"it could not be looked at ({type(error).__name__}; the message is withheld, as it may quote data). A "
            "file of it may be damaged: restore it from a backup; if it stays so, report it.",
        )


def combined(results: Sequence[CheckResult]) -> CheckResult | None:
    """All as one: as bad as the worst, which is told first. None of none."""
    by_harm = sorted(results, key=lambda each: HARM.index(each.state))
    return CheckResult(by_harm[0].state, " ".join(each.sentence for each in by_harm)) if by_harm else None
