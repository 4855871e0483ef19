"""The `spotify-pipeline` command: its subcommands, and how an error is printed."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from typer.core import TyperGroup

from spotify_pipeline.cli.errors import CommandError
from spotify_pipeline.cli.project import choose
from spotify_pipeline.cli.version import say_version
from spotify_pipeline.settings import Project

_COMMANDS = {
    "init": "init:init",
    "demo": "demo:demo",
    "dev": "demo:dev",
    "sandbox": "demo:sandbox",
    "plan": "audiences:plan",
    "approve": "audiences:approve",
    "rollback": "audiences:rollback",
    "overlap": "audiences:overlap",
    "changes": "audiences:changes",
    "forget": "privacy:forget",
    "explain": "privacy:explain",
    "erasures": "privacy:erasures",
    "retire": "audiences:retire",
    "login": "spotify:login",
    "logout": "spotify:logout",
    "authorizations": "spotify:authorizations",
    "businesses": "spotify:businesses",
    "ad-accounts": "spotify:ad_accounts",
    "audiences": "spotify:audiences",
    "doctor": "doctor:doctor",
    "digest": "privacy:digest",
    "receipts": "audiences:receipts",
    "conversions": "conversions:conversions",
    "state": "state:state",
}
"""Where each command is, below this package: a function, or a group of commands."""


class _Imported(Mapping[str, Any]):
    """Typer's commands by name. One is imported when it is asked for: together they take seconds."""

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - Typer names no type for it
        module, _, attribute = _COMMANDS[name].partition(":")
        found = getattr(importlib.import_module(f"spotify_pipeline.cli.{module}"), attribute)
        if isinstance(found, typer.Typer):
            group = typer.main.get_group(found)
            group.name = name
            return group
        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="markdown")
        alone.command(name)(found)
        return typer.main.get_command(alone)

    def __iter__(self) -> Iterator[str]:
        return iter(_COMMANDS)

    def __len__(self) -> int:
        return len(_COMMANDS)


class _Commands(TyperGroup):
    """The commands of this package."""

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401 - as Typer calls it
        super().__init__(**settings)
        self.commands = cast("Any", _Imported())


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Mirror warehouse segments to Spotify audiences and send events: everything that is not a Dagster run.",
)


def _say_version(asked: bool) -> None:
    if asked:
        say_version()
        raise typer.Exit


_UNCHECKED = frozenset({"demo", "sandbox", "init", "digest", "doctor"})
"""Commands that take nothing from the environment, and `doctor`, which says what is wrong with it."""


@app.callback()
def chosen(
    context: typer.Context,
    directory: Annotated[
        Path | None,
        typer.Option(
            "--project", metavar="DIR", exists=True, file_okay=False, help="The project; by default the one you are in."
        ),
    ] = None,
    use_demo: Annotated[
        bool, typer.Option("--demo", help="Use the demo's state and its local Spotify, as `make dev` does.")
    ] = False,
    _version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Choose the project and the settings that the commands use."""
    if not use_demo:
        choose(directory, unchecked=context.invoked_subcommand in _UNCHECKED)
        return
    from spotify_pipeline.demo.workspace import DemoWorkspace
    from spotify_pipeline.sandbox import DEFAULT_PORT

    place = DemoWorkspace(Project.find(directory or Path.cwd()).root, DEFAULT_PORT)
    if not place.exists():
        raise CommandError("There is no demo yet. Run `make demo` first.")
    choose(directory, place.environment())
