"""What the response to an operation must be about.

A cache or a gateway may mix up responses. Trusting one about another object could rename, replace or delete somebody
else's audience.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from spotify_pipeline.spotify.lenient_json import JsonObject, as_object, is_id, objects_in, same_id, text

Path: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExistingObject:
    """One object whose id is known.

    Attributes:
        what: kind of object, for sentences.
        id: that the response must have; in upper or lower case, if it is a UUID.
        at: the keys that lead to the id.
        needs: the keys that lead to another text that the response must have.
    """

    what: str
    id: str
    at: Path = ("id",)
    needs: Path | None = None

    def fault(self, response: JsonObject) -> str | None:
        """What is wrong with a response, to follow "Spotify's response"; None where nothing is."""
        return _fault_of_id(response, self.what, self.at, self.id) or _missing(response, self.what, self.needs)


@dataclass(frozen=True, slots=True)
class NewObject:
    """A new object, whose id Spotify has chosen; recognised by what was asked for.

    Attributes:
        what, at, needs: as of :class:`ExistingObject`.
        name: that was asked for, and that the response must repeat; None where it has none.
        says: field values that the response may leave out but not contradict.
    """

    what: str
    at: Path = ("id",)
    needs: Path | None = None
    name: str | None = None
    says: Mapping[str, str] = field(default_factory=dict[str, str])

    def fault(self, response: JsonObject) -> str | None:
        """As of :class:`ExistingObject`."""
        return (
            _fault_of_id(response, self.what, self.at, None)
            or _missing(response, self.what, self.needs)
            or self._fault_of_content(response)
        )

    def _fault_of_content(self, response: JsonObject) -> str | None:
        if self.name is not None and _plain(text(response, "name") or "") != _plain(self.name):
            return f"is about another {self.what} than the one asked for: it has another name"
        for name, asked in self.says.items():
            stated = text(response, name)
            if stated is not None and not same_id(stated, asked) and _plain(stated) != _plain(asked):
                return f"is about another {self.what} than the one asked for: its {name.replace('_', ' ')} differs"
        return None


@dataclass(frozen=True, slots=True)
class ObjectList:
    """Objects that belong to one whose id is known.

    Attributes:
        key: of the list.
        of: ids, by field, that neither the response nor an entry may contradict.
    """

    key: str
    of: Mapping[str, str] = field(default_factory=dict[str, str])

    def fault(self, response: JsonObject) -> str | None:
        """As of :class:`ExistingObject`. The reader checks whether there is a list at all."""
        for name, asked in self.of.items():
            for each in (response, *objects_in(response, self.key)):
                stated = text(each, name)
                if stated is not None and not same_id(stated, asked):
                    return f"is about another {name.removesuffix('_id').replace('_', ' ')} than {asked}"
        return None


@dataclass(frozen=True, slots=True)
class Done:
    """Success by the status alone. A body that is not an object is ignored; an object must not be about another.

    Attributes:
        ids: of what is changed, by field. A body may be empty, count one deletion, or name nothing but these.
    """

    ids: Mapping[str, str]

    def fault(self, response: JsonObject) -> str | None:
        """As of :class:`ExistingObject`."""
        named = [stated for key in response if key == "id" or key.endswith("_id") if (stated := text(response, key))]
        if any(not any(same_id(stated, each) for each in self.ids.values()) for stated in named):
            return "is about another object than the one asked for"
        if response and not named and response.get("deletion_count") != 1:
            return "does not confirm that it was done"
        return None


Expected: TypeAlias = ExistingObject | NewObject | ObjectList | Done


def _fault_of_id(response: JsonObject, what: str, at: Path, asked: str | None) -> str | None:
    stated = _text_at(response, at)
    if stated is None:
        return f"holds {_a(what)} without an id"
    if not is_id(stated):
        return f"holds {_a(what)} whose id is not valid"
    if asked is not None and not same_id(stated, asked):
        return f"is about another {what} ({stated}) than the one asked for ({asked})"
    return None


def _missing(response: JsonObject, what: str, at: Path | None) -> str | None:
    if at is None or _text_at(response, at) is not None:
        return None
    return f"holds {_a(what)} without its {at[-1]}"


def _text_at(response: JsonObject, at: Path) -> str | None:
    for key in at[:-1]:
        response = as_object(response.get(key)) or {}
    return text(response, at[-1])


def _plain(stated: str) -> str:
    """A text without what a server may change: white space at its ends and between words, and Unicode composition."""
    return " ".join(unicodedata.normalize("NFC", stated).split())


def _a(what: str) -> str:
    return f"{'an' if what[0] in 'aeiou' else 'a'} {what}"
