"""What a new project is given to fill in. Every setting is read from :class:`Connection`, which says it once."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path

from spotify_pipeline.settings.connection import DEFAULT_VARIABLES, SECRETS, Connection
from spotify_pipeline.settings.stated import COMPONENT_TYPE

WIDTH = 120
DAGSTER_SETTINGS = Path(__file__).with_name("dagster.yaml")
"""Settings of a Dagster instance on one machine, with pools; its copy belongs into DAGSTER_HOME."""


def connection_yaml() -> str:
    """A connection's YAML: it works as it is, and lists what can be set."""
    head = (
        f"type: {COMPONENT_TYPE}\n"
        "# Nothing here has to be set: each setting is taken from the variable that its line names, such as of .env.\n"
        "# Uncomment what this project fixes: a text, or {env: NAME}. Secrets are named, never written here.\n"
        "# attributes:\n"
    )
    return head + "".join(
        f"#   {setting}: {{env: {variable}}}{'  # a secret' if setting in SECRETS else ''}\n"
        for setting, variable in DEFAULT_VARIABLES.items()
    )


def env_example() -> str:
    """The variables of a project, each with its meaning, to be copied to `.env`."""
    return "\n".join(
        (
            "# Copy this file to .env and uncomment what you set. Everything is read when a run or a command starts.",
            "",
            *_variables(),
            "# Dagster's own storage, as an absolute path; `spotify-pipeline init` made .dagster_home for it.",
            "# DAGSTER_HOME=",
            "DAGSTER_DISABLE_TELEMETRY=1",
            "",
        )
    )


def _variables() -> Iterator[str]:
    for setting, variable in DEFAULT_VARIABLES.items():
        meaning = " ".join(str(Connection.model_fields[setting].description).split())
        yield from (f"# {line}" for line in textwrap.wrap(meaning, WIDTH - 2))
        yield f"# {variable}="
        yield ""
