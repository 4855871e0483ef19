"""Refuses what no single YAML file can know to be wrong: two audiences, or two lists, that would be one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from spotify_pipeline.components.audiences import AudienceDefinition
from spotify_pipeline.components.audiences.event_based import EventAudienceDefinition
from spotify_pipeline.components.sources import SuppressionList
from spotify_pipeline.components.yaml import AudienceConfigError

T = TypeVar("T")


def refuse_contradictions(
    audiences: Sequence[AudienceDefinition],
    filled: Sequence[EventAudienceDefinition],
    lists: Sequence[SuppressionList],
) -> None:
    """Hold the files of a project against each other.

    Args:
        audiences: that are made of lists.
        filled: that Spotify fills.
        lists: of people who are kept out of all audiences.

    Raises:
        AudienceConfigError: two of them contradict each other.
    """
    _refuse_doubled(audiences, "audience_id", lambda audience: audience.config.audience_id)
    _refuse_doubled(audiences, "name", _name_and_account)
    _refuse_shared_names([*audiences, *filled])
    _refuse_doubled_lists(lists)


def _name_and_account(audience: AudienceDefinition | EventAudienceDefinition) -> str:
    return f"{audience.name} ({audience.config.ad_account_id or 'default account'})"


def _shared(audiences: Iterable[T], value: Callable[[T], str | None]) -> Iterator[tuple[str, list[T]]]:
    """Each value that several audiences have, with those audiences."""
    owners: defaultdict[str, list[T]] = defaultdict(list)
    for audience in audiences:
        if (found := value(audience)) is not None:
            owners[found].append(audience)
    return ((shared, each) for shared, each in owners.items() if len(each) > 1)


def _folders(audiences: Iterable[AudienceDefinition | EventAudienceDefinition]) -> str:
    return " and ".join(each.folder for each in audiences)


def _refuse_doubled(
    audiences: Sequence[AudienceDefinition], field: str, value: Callable[[AudienceDefinition], str | None]
) -> None:
    """Refuse two audiences that would be one at Spotify, where each would replace the other's list."""
    for shared, owners in _shared(audiences, value):
        raise AudienceConfigError(
            f"The audiences {_folders(owners)} have the same {field}, {shared}, so each would replace the other's list "
            f"at Spotify. Give each a {field} of its own."
        )


def _refuse_shared_names(audiences: Sequence[AudienceDefinition | EventAudienceDefinition]) -> None:
    """Refuse two audiences of one name of which Spotify fills at least one: a run takes neither for the other."""
    for name, owners in _shared(audiences, _name_and_account):
        raise AudienceConfigError(
            f"The audiences {_folders(owners)} have the same name, {name}, so Spotify would show two that nobody can "
            "tell apart. Give each a name of its own."
        )


def _refuse_doubled_lists(lists: Sequence[SuppressionList]) -> None:
    """Refuse two suppression lists of one name, of which only one would be applied."""
    names = [each.source.name for each in lists]
    for name in sorted({name for name in names if names.count(name) > 1}):
        raise AudienceConfigError(
            f"Two suppression lists are called {name}, after their folders, and lists are told apart by their names. "
            "Rename a folder."
        )
