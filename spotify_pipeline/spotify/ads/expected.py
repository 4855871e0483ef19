"""What the answer to an operation must be about. A cache or a gateway may mix answers up, and another object's answer
must not be believed: it would have somebody else's audience renamed, replaced or deleted.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from spotify_pipeline.spotify.ids import is_id, same
from spotify_pipeline.spotify.lenient_json import JsonObject, as_object, objects_in, text

Path: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Its:
    """One object whose id is known.

    Attributes:
        what: it is, for sentences.
        id: that the answer must have; in either case, if it is a UUID.
        at: the keys that lead to the id.
        needs: the keys that lead to another text without which the answer is of no use.
    """

    what: str
    id: str
    at: Path = ("id",)
    needs: Path | None = None

    def fault(self, answer: JsonObject) -> str | None:
        """What is wrong with an answer, to be read behind "Spotify's answer"; None where nothing is."""
        return _fault_of_id(answer, self.what, self.at, self.id) or _missing(answer, self.what, self.needs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A new object, whose id Spotify has chosen. What was asked for is what tells it from another.

    Attributes:
        what, at, needs: as of :class:`Its`.
        name: that it was asked to have, and must say; None where it has none.
        says: what it must not say otherwise, by field; a field may be left out.
    """

    what: str
    at: Path = ("id",)
    needs: Path | None = None
    name: str | None = None
    says: Mapping[str, str] = field(default_factory=dict[str, str])

    def fault(self, answer: JsonObject) -> str | None:
        """As of :class:`Its`."""
        return (
            _fault_of_id(answer, self.what, self.at, None)
            or _missing(answer, self.what, self.needs)
            or self._fault_of_content(answer)
        )

    def _fault_of_content(self, answer: JsonObject) -> str | None:
        if self.name is not None and _plain(text(answer, "name") or "") != _plain(self.name):
            return f"is about another {self.what} than the one asked for: it has another name"
        for name, asked in self.says.items():
            stated = text(answer, name)
            if stated is not None and not same(stated, asked) and _plain(stated) != _plain(asked):
                return f"is about another {self.what} than the one asked for: its {name.replace('_', ' ')} differs"
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Objects that belong to one whose id is known.

    Attributes:
        key: of the list.
        of: ids that neither the answer nor an entry may state otherwise, by field.
    """

    key: str
    of: Mapping[str, str] = field(default_factory=dict[str, str])

    def fault(self, answer: JsonObject) -> str | None:
        """As of :class:`Its`. Whether there is a list at all is for whoever reads it."""
        for name, asked in self.of.items():
            for each in (answer, *objects_in(answer, self.key)):
                stated = text(each, name)
                if stated is not None and not same(stated, asked):
                    return f"is about another {name.removesuffix('_id').replace('_', ' ')} than {asked}"
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A status that says it all. A body that is no object counts for nothing; an object must not be of something else.

    Attributes:
        ids: of what is changed, by field. A body may be empty, count one deletion, or name nothing but these.
    """

    ids: Mapping[str, str]

    def fault(self, answer: JsonObject) -> str | None:
        """As of :class:`Its`."""
        named = [stated for key in answer if key == "id" or key.endswith("_id") if (stated := text(answer, key))]
        if any(not any(same(stated, each) for each in self.ids.values()) for stated in named):
            return "is about another object than the one asked for"
        if answer and not named and answer.get("deletion_count") != 1:
            return "does not say that it was done"
        return None


Expected: TypeAlias = Its | Made | Listing | Done


def _fault_of_id(answer: JsonObject, what: str, at: Path, asked: str | None) -> str | None:
    stated = _text_at(answer, at)
    if stated is None:
        return f"holds {_a(what)} without an id"
    if not is_id(stated):
        return f"holds {_a(what)} whose id is none"
    if asked is not None and not same(stated, asked):
        return f"is about another {what} ({stated}) than the one asked for ({asked})"
    return None


def _missing(answer: JsonObject, what: str, at: Path | None) -> str | None:
    if at is None or _text_at(answer, at) is not None:
        return None
    return f"holds {_a(what)} without its {at[-1]}"


def _text_at(answer: JsonObject, at: Path) -> str | None:
    for key in at[:-1]:
        answer = as_object(answer.get(key)) or {}
    return text(answer, at[-1])


def _plain(stated: str) -> str:
    """A text but for what a server may tidy: blanks at its ends and between words, and how letters are composed."""
    return " ".join(unicodedata.normalize("NFC", stated).split())


def _a(what: str) -> str:
    return f"{'an' if what[0] in 'aeiou' else 'a'} {what}"
