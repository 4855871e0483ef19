"""The Dagster project as the command line sees it.

Importing Dagster takes seconds, which a command that does without it should not cost; it is imported where it is used.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

import spotify_pipeline
from spotify_pipeline.cli.errors import CommandError
from spotify_pipeline.spotify import SpotifySettings

if TYPE_CHECKING:
    import dagster as dg

    from spotify_pipeline.components.audience_chain import AudienceChain

PACKAGE = Path(spotify_pipeline.__file__).parent
PROJECT = PACKAGE.parent


def load_definitions() -> dg.Definitions:
    """The deployment's definitions.

    Raises:
        CommandError: a YAML file is wrong; the message is the mistake alone, with file and line.
    """
    import dagster as dg

    from spotify_pipeline.components.deployment import deployment

    # Dagster warns of parts of its own that are in beta; nobody at the command line can do anything about it.
    warnings.filterwarnings("ignore", category=dg.BetaWarning)
    try:
        return deployment(PACKAGE)
    except Exception as error:  # noqa: BLE001 - Dagster wraps a mistake in layers of many types
        raise CommandError(f"The project's definitions do not load. {innermost_mistake(error)}") from None


@dataclass(frozen=True)
class AudienceTarget:
    """What an audience's YAML says of where it is written to; None where it leaves that to the environment."""

    ad_account_id: str | None
    authorization: str | None


def load_audiences() -> dict[str, AudienceTarget]:
    """The audiences that the project defines, by name.

    Raises:
        CommandError: see :func:`load_definitions`.
    """
    return audience_targets(load_definitions())


def audience_targets(definitions: dg.Definitions) -> dict[str, AudienceTarget]:
    """The audiences of loaded definitions, by name."""
    from spotify_pipeline.components.deployment import audience_chains

    return {
        chain.audience: AudienceTarget(chain.config.ad_account_id, chain.config.authorization)
        for chain in audience_chains(definitions)
    }


def chosen_chain(definitions: dg.Definitions, audience: str) -> AudienceChain:
    """One audience of loaded definitions.

    Raises:
        CommandError: there is none of that name.
    """
    from spotify_pipeline.components.deployment import audience_chains

    chains = {chain.audience: chain for chain in audience_chains(definitions)}
    if audience not in chains:
        raise CommandError(f"The project defines no audience {audience}. It has: {', '.join(chains) or 'none'}.")
    return chains[audience]


def ad_account_of(audience: str) -> str:
    """The ad account that an audience is mirrored to: the one its YAML states, else SPOTIFY_AD_ACCOUNT_ID.

    Raises:
        CommandError: the definitions do not load, or define no such audience.
        SpotifyError: neither states one.
    """
    chain = chosen_chain(load_definitions(), audience)
    return chain.config.ad_account_id or SpotifySettings.from_environment().require_ad_account_id()


def innermost_mistake(error: BaseException) -> str:
    """What an exception comes down to: of a chain the first cause, of a YAML mistake where and what."""
    while (cause := _cause(error)) is not None:
        error = cause
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    return str(error) or type(error).__name__


def _cause(error: BaseException) -> BaseException | None:
    return error.__cause__ or (None if error.__suppress_context__ else error.__context__)
