"""All types of identifiers: this project's, and those that installed distributions add by an entry point."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Annotated

from pydantic import AfterValidator, ValidationError

from spotify_pipeline.identity.device_id import DeviceId
from spotify_pipeline.identity.email import Email
from spotify_pipeline.identity.phone import Phone
from spotify_pipeline.identity.types import IdentifierType

ENTRY_POINTS = "spotify_pipeline.identifier_types"
"""The group of entry points by which a distribution adds types."""

_OWN: tuple[type[IdentifierType], ...] = (Email, Phone, DeviceId)
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_TOKEN = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
# `digest:` stands before a digest; `rank` is a column beside those of the types.
_RESERVED = frozenset({"digest", "rank"})
_COLUMN = "column"
_IP_ADDRESS = "ip_address"


class IdentifierTypeError(Exception):
    """A type of identifier cannot be used; the message names its class."""


@cache
def identifier_types() -> Mapping[str, type[IdentifierType]]:
    """Every type by its name, in the order in which they stand everywhere: this project's, then others by name.

    Raises:
        IdentifierTypeError: one cannot be loaded or used, or two have the same name, token or parameter.
    """
    return registered(entry_points(group=ENTRY_POINTS))


def registered(added: Iterable[EntryPoint]) -> Mapping[str, type[IdentifierType]]:
    """This project's types and those of the entry points. Raises as ``identifier_types`` does."""
    others = sorted((_loaded(each) for each in added), key=lambda kind: kind.name)
    kinds = [*_OWN, *others]
    for what, values in (
        ("name", [kind.name for kind in kinds]),
        ("token", [kind.token for kind in kinds]),
        ("parameter", [kind.parameter.name if kind.parameter else None for kind in kinds]),
    ):
        for value, count in Counter(values).items():
            if value is not None and count > 1:
                classes = [_path(kind) for kind, own in zip(kinds, values, strict=True) if own == value]
                raise IdentifierTypeError(
                    f"The identifier types {' and '.join(classes)} have the same {what}, {value}. Rename it in one of "
                    "them, or uninstall the distribution that adds it."
                )
    return {kind.name: kind for kind in kinds}


def identifier_type(name: str) -> type[IdentifierType]:
    """The type of this name.

    Raises:
        ValueError: there is none.
    """
    if name not in identifier_types():
        raise ValueError(
            f"{name} is no identifier type here; there are {', '.join(identifier_types())}. If a distribution adds it, "
            "install that."
        )
    return identifier_types()[name]


TypeName = Annotated[str, AfterValidator(lambda name: identifier_type(name).name)]
"""The name of a type that there is, in what is read back from a file."""


def _loaded(entry: EntryPoint) -> type[IdentifierType]:
    where = f"{entry.value} (entry point {entry.name} of {entry.dist.name if entry.dist else 'a distribution'})"
    try:
        found = entry.load()
    except Exception as error:  # noqa: BLE001 - the code is somebody else's
        raise IdentifierTypeError(
            f"The identifier type {where} cannot be loaded: {type(error).__name__}: {error}. Correct it, or uninstall "
            "the distribution that adds it."
        ) from None
    if not (isinstance(found, type) and issubclass(found, IdentifierType)):
        raise IdentifierTypeError(f"{where} is no identifier type: make it a subclass of IdentifierType.")
    if problem := _problem(found):
        raise IdentifierTypeError(f"The identifier type {where} {problem}.")
    return found


def _problem(kind: type[IdentifierType]) -> str | None:
    """What is wrong with a type by itself, as the rest of a sentence."""
    missing = [each for each in ("name", "token", "noun") if not isinstance(getattr(kind, each, None), str)]
    if missing:
        return f"does not say its {', '.join(missing)}: set it in the class"
    if inspect.isabstract(kind):
        return "has no method normalize"
    if not _NAME.fullmatch(kind.name) or kind.name in _RESERVED:
        return (
            f"is called {kind.name!r}: take small letters, digits and underscores, and none of "
            f"{', '.join(sorted(_RESERVED))}"
        )
    if not _TOKEN.fullmatch(kind.token):
        return f"has the token {kind.token!r}: take capital letters, digits and underscores, as Spotify does"
    if kind.parameter is not None and kind.parameter.name == _IP_ADDRESS:
        return f"has the parameter {_IP_ADDRESS}, which holds an address of the internet"
    if _COLUMN in kind.model_fields or not set(kind.column_options) <= kind.model_fields.keys():
        return f"has an option called {_COLUMN}, or column_options that are not among its fields"
    try:
        kind()
    except ValidationError as error:
        return f"needs a default for each of its options: {error.errors()[0]['loc']} has none"
    return None


def _path(kind: type[IdentifierType]) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
