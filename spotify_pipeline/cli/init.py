"""`init`: gives a Dagster project what its first audience needs. It overwrites nothing."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from spotify_pipeline.cli.errors import CommandError
from spotify_pipeline.cli.project import project as chosen_project
from spotify_pipeline.home import DEFAULT_HOME, private_directory
from spotify_pipeline.settings import (
    COMPONENT_TYPE,
    DAGSTER_SETTINGS,
    Project,
    component_files,
    connection_yaml,
    env_example,
)

CONNECTION, AUDIENCE = "spotify", "audiences/customers"
INSTANCE = ".dagster_home"
TABLE = "crm.customers"


def init() -> None:
    """Write a connection, an audience to adapt, `.env.example` and Dagster's settings into this project.

    Files that exist are left as they are.
    """
    project = chosen_project()
    if project.defs is None:
        raise CommandError(
            f"No Dagster project is in {project.root} or above it: no dg.toml, and no pyproject.toml with "
            "[tool.dg.project]. Create one with `create-dagster project NAME`, go into it, and run this again."
        )
    for file, text in _files(project, project.defs):
        done = _write(file, text)
        sys.stdout.write(f"{'wrote' if done else 'kept '} {file.relative_to(project.root)}\n")
    sys.stdout.write(_next_steps(project, project.defs))


def _files(project: Project, defs: Path) -> Iterator[tuple[Path, str]]:
    """What a project needs and does not have in another place."""
    from spotify_pipeline.components import audience_of_table

    stated = [file.read_text(encoding="utf-8", errors="replace") for file in component_files(defs)]
    if not any(COMPONENT_TYPE in text for text in stated):
        yield defs / CONNECTION / "defs.yaml", connection_yaml()
    if not any("spotify_pipeline.CustomerListAudience" in text for text in stated):
        yield defs / AUDIENCE / "defs.yaml", audience_of_table(Path(AUDIENCE).name, TABLE)
    yield project.root / ".env.example", env_example()
    # Lists and tokens are personal data, and Dagster's runs are nobody else's: neither is ever committed.
    yield private_directory(project.root / DEFAULT_HOME) / ".gitignore", "*\n"
    if not os.environ.get("DAGSTER_HOME"):
        yield project.root / INSTANCE / ".gitignore", "*\n!.gitignore\n!dagster.yaml\n"
        yield project.root / INSTANCE / "dagster.yaml", DAGSTER_SETTINGS.read_text(encoding="utf-8")


def _write(file: Path, text: str) -> bool:
    """Write a file that does not exist; whether it did.

    Raises:
        CommandError: it cannot be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as new:
            new.write(text)
    except FileExistsError:
        return False
    except OSError as error:
        raise CommandError(f"{file} cannot be written ({error.strerror}). Correct that, then run this again.") from None
    return True


def _next_steps(project: Project, defs: Path) -> str:
    home = os.environ.get("DAGSTER_HOME")
    instance = (
        f"Compare {home}/dagster.yaml with {DAGSTER_SETTINGS}: its pools let one step at a time write to an audience."
        if home
        else f"Set DAGSTER_HOME={project.root / INSTANCE} there, too: its dagster.yaml has the pools of audiences."
    )
    return f"""
Next:
  1. cp .env.example .env, and set SPOTIFY_CLIENT_ID and SPOTIFY_PIPELINE_WAREHOUSE, your DuckDB file, there.
     {instance}
  2. spotify-pipeline login, then spotify-pipeline ad-accounts: put the id into .env as SPOTIFY_AD_ACCOUNT_ID.
  3. Name your table and its columns in {(defs / AUDIENCE).relative_to(project.root)}/defs.yaml.
  4. dg check defs, then spotify-pipeline doctor: both say what is still missing.
  5. dg dev: materialize the group {Path(AUDIENCE).name}, partition Latest. Or first: spotify-pipeline plan
"""
