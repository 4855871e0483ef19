"""The vocabulary of faults: which request, and what goes wrong before, during or after it is carried out.

A fault is data. It has a JSON form, is checked when it is made, and does nothing itself: ``script`` decides which
request it hits, the middleware makes it happen. Named faults are in ``presets``.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model, model_validator

from spotify_pipeline.sandbox.config import SandboxError
from spotify_pipeline.sandbox.faults.actions import After, Before, Described, During, Ending

Operation = Literal[
    "*",
    "ads_api",
    "audiences",
    "show_consent",
    "decide_consent",
    "token",
    "list_businesses",
    "get_business",
    "list_ad_accounts",
    "get_ad_account",
    "create_audience",
    "list_audiences",
    "new_upload_url",
    "replacement_upload_url",
    "list_audience_datasets",
    "get_audience",
    "edit_audience",
    "delete_audience",
    "start_upload",
    "put_upload",
    "cancel_upload",
    "list_datasets",
    "create_dataset",
    "get_dataset",
    "edit_dataset",
    "remove_integration",
    "get_diagnostics",
    "share_dataset",
    "unshare_dataset",
    "list_ad_account_datasets",
    "create_capi_connection",
    "get_capi_connection",
    "edit_capi_connection",
    "create_capi_token",
    "list_capi_tokens",
    "delete_capi_token",
    "send_events",
]
"""The names of Spotify's operations, and of groups of them.

``*`` is any, ``ads_api`` any of the Ads API's, ``audiences`` any that answers with one audience or a list of them.
"""

OPERATIONS: frozenset[str] = frozenset(get_args(Operation)) - {"*", "ads_api", "audiences"}
"""Every single operation."""

_GROUPS: dict[str, frozenset[str]] = {
    "*": OPERATIONS,
    "ads_api": OPERATIONS
    - {"show_consent", "decide_consent", "token", "start_upload", "put_upload", "cancel_upload", "send_events"},
    "audiences": frozenset({"create_audience", "list_audiences", "get_audience", "edit_audience"}),
}

PutKind = Literal["any", "data", "part", "final", "query"]
"""PUTs to a session: ``data`` carries bytes, which end the object (``final``) or do not (``part``); ``query`` asks."""

Point = Annotated[int, Field(ge=0)] | Literal["half", "all"]
"""How many bytes of a body are stored: a number, half of it (whole quanta of 256 KiB), or all."""

_OF_THE_REQUEST = ("operation", "kind", "nth", "times", "since", "share", "seed")
"""Options that every preset has: which request it hits, and how often."""


class FaultInvalid(SandboxError):
    """A fault makes no sense; the message says where and what is expected."""


class Midway(Described):
    """What happens once ``stored`` bytes of a PUT's body are stored. Where that ends the request, no more are."""

    stored: Point
    do: tuple[During, ...] = Field(min_length=1)


class Way(Described):
    """One of the things that a fault with a mixture may do; ``before`` and ``after`` are as there."""

    before: tuple[Before, ...] = ()
    after: tuple[After, ...] = ()

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if not (self.before or self.after):
            raise ValueError("give an action in before or after")
        return self


class Fault(Described):
    """One thing that goes wrong with one kind of request.

    The fault hits the ``nth`` request of ``operation`` (and ``kind``) that comes after it was scripted, and the ones
    that follow until it has happened ``times`` times. With ``since``, requests count once that operation has
    succeeded. ``before`` happens in place of the operation, or before it where no action ends the request;
    ``midway`` while a PUT's body comes in; ``after`` when the operation has been carried out and, if ``on_status`` is
    given, would be answered with that status.

    With ``share`` below 1 it hits that share of the requests it could hit; which ones follows from ``seed`` and the
    request's number alone. A ``mixture`` replaces the actions: each time one of its ways is drawn, likewise.

    Raises:
        pydantic.ValidationError: it makes no sense.
    """

    name: str = Field(default="unnamed", min_length=1, max_length=60)
    codes: tuple[str, ...] = ()
    operation: Operation
    kind: PutKind = "any"
    nth: int = Field(default=1, ge=1)
    times: Annotated[int, Field(ge=1)] | Literal["always"] = 1
    since: Operation | None = None
    on_status: int | None = Field(default=None, ge=200, le=599)
    share: float = Field(default=1, gt=0, le=1)
    seed: str = Field(default="", max_length=60)
    mixture: tuple[Way, ...] = ()
    before: tuple[Before, ...] = ()
    midway: Midway | None = None
    after: tuple[After, ...] = ()

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        acts = bool(self.before or self.midway or self.after)
        if acts == bool(self.mixture):
            raise ValueError("give an action in before, midway or after, or a mixture of ways instead")
        if (self.kind != "any" or self.midway) and self.operation != "put_upload":
            raise ValueError("kind and midway are for put_upload only")
        if self.on_status is not None and not (self.after or any(way.after for way in self.mixture)):
            raise ValueError("on_status is a condition of after, which has no action")
        _check_order((*self.before, *(self.midway.do if self.midway else ()), *self.after))
        for way in self.mixture:
            _check_order((*way.before, *way.after))
        return self

    def drawn(self, number: int) -> Fault | None:
        """What it does to the request with this number among the matching ones; None where chance spares it."""
        if self.share == 1 and not self.mixture:
            return self
        dice = random.Random(f"{self.seed} {number}")  # noqa: S311 - chance that can be repeated, not a secret
        if dice.random() >= self.share:
            return None
        if not self.mixture:
            return self
        way = dice.choice(self.mixture)
        return self.model_copy(update={"before": way.before, "after": way.after, "mixture": ()})

    def concerns(self, operation: str, kinds: frozenset[str]) -> bool:
        """Whether a request of this operation, and of these kinds of PUT, is one that it may hit."""
        return is_of(operation, self.operation) and self.kind in kinds


class Option(NamedTuple):
    """An option of a preset: the type it is checked against, and its value if nothing is said."""

    type: Any
    default: object


@dataclass(frozen=True)
class Preset:
    """A named fault: the codes of the requirements it stands for, what happens, how it is made from its options."""

    name: str
    codes: tuple[str, ...]
    title: str
    make: Fault | Callable[[Any], Fault]
    """The fault itself, or what makes it of its checked options."""
    own: Mapping[str, Option]

    @property
    def options(self) -> dict[str, object]:
        """Its own options and what they are if nothing is said."""
        return {name: option.default for name, option in self.own.items()}

    def fault(self, options: Mapping[str, object]) -> Fault:
        """The fault with these options, its own and those of every preset.

        Raises:
            FaultInvalid: an option is unknown or has a value it cannot have.
        """
        allowed = (*self.own, *_OF_THE_REQUEST)
        unknown = [name for name in options if name not in allowed]
        if unknown:
            raise FaultInvalid(f"{self.name} has no option {unknown[0]}; it has {', '.join(allowed)}.")
        own = {name: value for name, value in options.items() if name in self.own}
        request = {name: value for name, value in options.items() if name in _OF_THE_REQUEST}
        types: dict[str, Any] = {name: tuple(option) for name, option in self.own.items()}
        try:
            checked = create_model("Options", __base__=_Options, **types)(**own)
            made = self.make if isinstance(self.make, Fault) else self.make(checked)
            fields = {name: getattr(made, name) for name in type(made).model_fields}
            return Fault.model_validate({**fields, "name": self.name, "codes": self.codes, **request})
        except ValidationError as error:
            raise FaultInvalid(f"{self.name}: {sentence_of(error)}") from None


class _Options(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _check_order(actions: tuple[Before | During | After, ...]) -> None:
    ended = False
    for action in actions:
        if ended:
            raise ValueError(f"{action.do} never happens: an action before it ends the request")
        ended = isinstance(action, Ending)


def is_of(operation: str, named: Operation) -> bool:
    """Whether ``operation`` is the named one, or one of the named group."""
    return operation == named or operation in _GROUPS.get(named, ())


def sentence_of(error: ValidationError) -> str:
    """The first thing pydantic found, as a sentence that names the field."""
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"]) or "the fault"
    if first["type"] in {"extra_forbidden", "unexpected_keyword_argument"}:
        return f"{place}: there is no such field; the sandbox's reference page lists them."
    return f"{place}: {first['msg'].removeprefix('Value error, ')}."
