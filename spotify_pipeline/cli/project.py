"""The Dagster project as the command line sees it.

Importing Dagster takes seconds, which a command that does without it should not cost; it is imported where it is used.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Collection, Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from spotify_pipeline.cli.errors import CommandError
from spotify_pipeline.customer_list import SnapshotStore
from spotify_pipeline.settings import Environment, Project, Settings
from spotify_pipeline.state import StateStore

if TYPE_CHECKING:
    import dagster as dg

    from spotify_pipeline.components import ConfiguredResource
    from spotify_pipeline.components.audiences import AudienceDefinition
    from spotify_pipeline.components.conversions import FeedDefinition

R = TypeVar("R", bound="ConfiguredResource")


@dataclass(frozen=True)
class _Chosen:
    """What the command was called with.

    Attributes:
        project: that it is about; None for the one that one is in.
        shell: the variables that the command was started with; None for those of this process.
    """

    project: Project | None = None
    shell: Mapping[str, str] | None = None


_CHOSEN: ContextVar[_Chosen | None] = ContextVar("_CHOSEN", default=None)


def _chosen() -> _Chosen:
    return _CHOSEN.get() or _Chosen()


@contextmanager
def one_command() -> Generator[None]:
    """What :func:`choose` chooses holds within the block."""
    before = _CHOSEN.set(None)
    try:
        yield
    finally:
        _CHOSEN.reset(before)


def choose(directory: Path | None, variables: Mapping[str, str] | None = None, *, unchecked: bool = False) -> None:
    """Choose the project, and put its `.env` over this process's variables, as Dagster does.

    Args:
        directory: of the project; None for the one that one is in.
        variables: to take in place of any `.env`, whatever the shell says.
        unchecked: take them although the shell and `.env` differ.

    Raises:
        SettingsError: they differ.
    """
    found = Project.find(directory or Path.cwd())
    if variables is not None:
        _CHOSEN.set(_Chosen(found))
        os.environ.update(variables)
        return
    _CHOSEN.set(_Chosen(found, dict(os.environ)))
    if not unchecked:
        current_settings()
    os.environ.update(Environment.read(found.env_file, os.environ).file)


def project() -> Project:
    """The project that the command is about.

    Raises:
        SettingsError: its dg.toml or pyproject.toml cannot be read.
    """
    return _chosen().project or Project.find(Path.cwd())


def current_settings() -> Settings:
    """What is set for the project that the command is about.

    Raises:
        SettingsError: the connection's YAML or `.env` is wrong, or the shell and `.env` differ.
    """
    return Settings.of_project(project(), _chosen().shell or os.environ)


def project_home() -> Path:
    """The project's own directory: lists, tokens, journal."""
    return current_settings().home


def project_state() -> StateStore:
    """What the project must not forget."""
    return current_settings().store


def project_lists() -> SnapshotStore:
    """Where the project's identifiers and customer lists are."""
    return current_settings().snapshots


def resource(kind: type[R]) -> R:
    """A resource as the project's runs have it."""
    settings = current_settings()
    return kind.of(settings.stated, settings.project)


def load_definitions(of: Project | None = None) -> dg.Definitions:
    """The definitions of a project, by default of the one that the command is about.

    Raises:
        CommandError: a YAML file is wrong; the message is the mistake alone, with file and line. Or this is no project.
    """
    found = of or project()
    if found.root_module is None or found.defs is None:
        raise CommandError(
            f"{found.root} is in no Dagster project. Go to the directory of one, or name it with --project."
        )
    import dagster as dg

    if find_spec(found.root_module.partition(".")[0]) is None:
        sys.path.insert(0, str(found.source))
    # Dagster warns of parts of its own that are in beta; nobody at the command line can do anything about it.
    warnings.filterwarnings("ignore", category=dg.BetaWarning)
    try:
        return dg.load_from_defs_folder(path_within_project=found.root)
    except Exception as error:  # noqa: BLE001 - Dagster wraps a mistake in layers of many types
        raise CommandError(f"The project's definitions do not load. {innermost_mistake(error)}") from None


@dataclass(frozen=True)
class AudienceAccount:
    """What an audience's YAML says of where it is written to; None where it leaves that to the environment."""

    ad_account_id: str | None
    authorization: str | None


@dataclass(frozen=True)
class FeedConnection:
    """What a feed's YAML says of where it sends to; None where it leaves that to the environment."""

    connection_id: str | None
    token_variable: str | None


def load_audience_accounts() -> dict[str, AudienceAccount]:
    """The audiences that the project defines, by name.

    Raises:
        CommandError: see :func:`load_definitions`.
    """
    return audience_accounts(load_definitions())


def audience_accounts(definitions: dg.Definitions) -> dict[str, AudienceAccount]:
    """The audiences of loaded definitions, by name."""
    from spotify_pipeline.components import audience_definitions, event_audience_definitions

    found = [*audience_definitions(definitions), *event_audience_definitions(definitions)]
    return {
        each.folder: AudienceAccount(each.config.ad_account_id, each.config.authorization)
        for each in sorted(found, key=lambda each: each.folder)
    }


def refuse_event_audiences(definitions: dg.Definitions, audiences: Collection[str]) -> None:
    """Stop a command that is about lists where an audience is named that has none.

    Raises:
        CommandError: Spotify fills one of ``audiences`` by itself.
    """
    from spotify_pipeline.components import event_audience_definitions

    for each in event_audience_definitions(definitions):
        if each.folder in audiences:
            raise CommandError(
                f"Spotify fills {each.folder} itself, so there is no list of it. Leave it out of this command."
            )


def feed_connections(definitions: dg.Definitions) -> dict[str, FeedConnection]:
    """The feeds of loaded definitions, by name."""
    from spotify_pipeline.components.conversions import find_feeds

    return {
        each.name: FeedConnection(each.config.connection_id, each.token_variable) for each in find_feeds(definitions)
    }


def chosen_audience(definitions: dg.Definitions, audience: str) -> AudienceDefinition:
    """One audience of loaded definitions that is made of a list.

    Raises:
        CommandError: there is none of that name, or Spotify fills it by itself.
    """
    from spotify_pipeline.components import audience_definitions

    refuse_event_audiences(definitions, [audience])

    known = {each.folder: each for each in audience_definitions(definitions)}
    if audience not in known:
        raise CommandError(f"The project defines no audience {audience}. It has: {', '.join(known) or 'none'}.")
    return known[audience]


def chosen_feed(definitions: dg.Definitions, feed: str) -> FeedDefinition:
    """One feed of loaded definitions.

    Raises:
        CommandError: there is none of that name.
    """
    from spotify_pipeline.components.conversions import find_feeds

    feeds = {each.name: each for each in find_feeds(definitions)}
    if feed not in feeds:
        raise CommandError(f"The project defines no feed {feed}. It has: {', '.join(feeds) or 'none'}.")
    return feeds[feed]


def ad_account_of(audience: str) -> str:
    """The ad account that an audience is mirrored to: the one its YAML states, else SPOTIFY_AD_ACCOUNT_ID.

    Raises:
        CommandError: the definitions do not load, or define no such audience.
        SpotifyError: neither states one.
    """
    from spotify_pipeline.components import SpotifyAdsResource

    return resource(SpotifyAdsResource).account_of(chosen_audience(load_definitions(), audience))


def innermost_mistake(error: BaseException) -> str:
    """What an exception comes down to: of a chain of causes the first, of a YAML mistake where and what."""
    while (cause := _cause(error)) is not None:
        error = cause
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    return str(error) or type(error).__name__


def _cause(error: BaseException) -> BaseException | None:
    return error.__cause__ or (None if error.__suppress_context__ else error.__context__)
