"""Hides texts that must not be shown: tokens, client secrets, signed URLs."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any, NoReturn


class Secret:
    """Holds one secret text and shows it only through :meth:`reveal`.

    ``repr``, ``str``, formatting, ``dataclasses.asdict`` and a debugger's view of the attributes show ``<hidden>``;
    ``json.dumps`` and ``pickle`` raise. So a dataclass that holds one may be logged.
    """

    __slots__ = ("__text",)

    def __init__(self, text: str) -> None:
        self.__text = text

    def reveal(self) -> str:
        """The text itself. Call this only where it is sent or written to a private file."""
        return self.__text

    def __repr__(self) -> str:
        return "<hidden>"

    def __bool__(self) -> bool:
        return bool(self.__text)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self.__text.encode(), other.reveal().encode())

    def __hash__(self) -> int:
        return hash(self.__text)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Secret:
        # dataclasses.asdict copies deeply; a secret is immutable, so it is its own copy.
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("A secret cannot be pickled. Read the settings again in the other process.")


def revealed(options: Mapping[str, object]) -> dict[str, object]:
    """Options with the values of the secrets among them, for those whom they are meant for."""
    return {name: each.reveal() if isinstance(each, Secret) else each for name, each in options.items()}
