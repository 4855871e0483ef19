"""`spotify-pipeline state`: the state as a whole: made, checked, moved, backed up, restored."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from spotify_pipeline.cli.errors import CommandError
from spotify_pipeline.cli.project import current_settings, project_home, project_state
from spotify_pipeline.customer_list import move_lists
from spotify_pipeline.former_home import import_home
from spotify_pipeline.home import atomic_private_file
from spotify_pipeline.mirror import ReceiptBook
from spotify_pipeline.spotify import TokenStore
from spotify_pipeline.state import (
    KEY_VARIABLE,
    Copied,
    Key,
    Place,
    StateStore,
    back_up,
    change_key,
    faults_of,
    forget_key,
    move,
    new_key,
    restore,
    upgrade,
)

NEW_KEY_VARIABLE = "SPOTIFY_PIPELINE_NEW_KEY"
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")
_PLACE = "A URL without a password, such as sqlite:///state.sqlite, or the name of an environment variable that has it."
_LISTS = "A directory, or a folder of a bucket: s3://bucket/folder, gs://bucket/folder, az://container/folder."

state = typer.Typer(
    no_args_is_help=True,
    help="Make, check, move, back up or restore the state: what was sent, who asked to be forgotten, sign-ins, events.",
)


@state.command("create")
def create() -> None:
    """Make the tables in a database that machines share. A file in the home is made by its first use."""
    made = project_state().create()
    sys.stdout.write(f"{'Made' if made else 'There already'}: the state in {project_state().place}.\n")


@state.command("new-key")
def print_new_key() -> None:
    """Print a new key. Keep it where you keep passwords, and set SPOTIFY_PIPELINE_KEY to it on every machine."""
    sys.stdout.write(f"{new_key()}\n")


@state.command("check")
def check() -> None:
    """Read the whole state and try its locks. Exits 1 if something is wrong."""
    faults = faults_of(project_state())
    for fault in faults:
        sys.stdout.write(f"FAIL  {fault}\n")
    if faults:
        raise typer.Exit(1)
    sys.stdout.write(f"ok    the state in {project_state().place}: it can be read, and its locks hold\n")


@state.command("upgrade")
def upgrade_tables() -> None:
    """Bring the tables of an older version of this project up to date. Stop everything that uses them first."""
    before, now = upgrade(project_state())
    done = "There is nothing to do" if before == now else f"Upgraded from {before}"
    sys.stdout.write(f"{done}: the state in {project_state().place} is at revision {now}.\n")


@state.command("backup")
def backup(
    file: Annotated[Path, typer.Argument(help="A new file; it holds what the state holds, so keep it as private.")],
) -> None:
    """Write a copy of the state, as of one moment, into a SQLite file. Runs may go on meanwhile."""
    _report("Backed up", back_up(project_state(), file), str(file))


@state.command("restore")
def restore_backup(
    file: Annotated[Path, typer.Argument(help="What `state backup` wrote.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Put a backup in the place of the state. Requests to be forgotten that were made since are kept.

    What was sent since is not in it: the next lists are held back until somebody approves them.
    """
    store = project_state()
    if not yes and not typer.confirm(f"Replace the state in {store.place} by {file}? Let nothing run meanwhile."):
        raise typer.Exit(1)
    restored = restore(file, store, now=datetime.now(UTC))
    _report("Restored", restored, str(store.place))
    if restored.unread:
        sys.stderr.write(
            "warning: who asked to be forgotten since that copy was made is not in it, as the former state could not "
            f"be read: {restored.unread} Give them to `spotify-pipeline forget` again.\n"
        )


@state.command("import")
def import_former() -> None:
    """Take over what a version before the state kept in files of the home: as a whole, or not at all."""
    imported = import_home(project_home(), project_state())
    for what, count in imported.counts.items():
        sys.stdout.write(f"  {what}: {count:,}\n")
    for fault in imported.faults:
        sys.stderr.write(f"error: {fault}\n")
    if imported.faults:
        raise typer.Exit(1)
    sys.stdout.write(
        f"Taken over into {project_state().place}. Its files in {project_home()} are not read any more: keep them in a "
        "backup for as long as you keep lists, then delete them.\n"
    )


@state.command("export")
def export_receipts(
    directory: Annotated[Path, typer.Argument(help="A new directory.")],
) -> None:
    """Write every receipt as the file that was sealed: canonical JSON, which any program can check."""
    if directory.exists():
        raise CommandError(f"{directory} exists. Name a directory that is new.")
    written = 0
    for account, audience in (book := ReceiptBook(project_state())).known():
        for receipt in book.read(audience, account):
            with atomic_private_file(directory / account / audience / f"{receipt.number:06d}.json") as file:
                file.write(receipt.to_bytes())
            written += 1
    sys.stdout.write(f"Wrote {written:,} receipts below {directory}.\n")


@state.command("move")
def move_state(
    source: Annotated[str, typer.Argument(metavar="FROM", help=_PLACE)],
    target: Annotated[str, typer.Argument(metavar="TO", help="As FROM. It must be new.")],
) -> None:
    """Move the state into another database, and verify the copy. Nothing is written to the first one afterwards.

    Run it again if it was interrupted. Its key does not change: where machines share the state, set
    SPOTIFY_PIPELINE_KEY to what is in `state.key` in the home.
    """
    there, here = _store(source), _store(target)
    _report("Moved", move(there, here, now=datetime.now(UTC)), str(here.place))
    sys.stdout.write(f"Set SPOTIFY_PIPELINE_STATE to it wherever this project runs. {there.place} is closed.\n")


@state.command("move-lists")
def move_identifiers_and_lists(
    source: Annotated[str, typer.Argument(metavar="FROM", help=_LISTS)],
    target: Annotated[str, typer.Argument(metavar="TO", help="As FROM.")],
) -> None:
    """Move lists and identifiers to another place, verify the copies, and delete the first ones.

    Let nothing run meanwhile. Run it again if it was interrupted.
    """
    there, here = (current_settings().snapshots_in(_lists(each)) for each in (source, target))
    moved = move_lists(there, here)
    sys.stdout.write(
        f"Moved, and verified: {moved.lists:,} lists and {moved.identifiers:,} files of identifiers of "
        f"{moved.audiences:,} audiences, to {here.place}.\nSet SPOTIFY_PIPELINE_LISTS to it wherever this project "
        f"runs. Nothing of them is left in {there.place}.\n"
    )


@state.command("change-key")
def change() -> None:
    """Encrypt everything again with another key. Let nothing run meanwhile.

    The new one is taken from SPOTIFY_PIPELINE_NEW_KEY; where the key is a file of the home and that is not set, it is
    made.
    """
    stated = os.environ.get(NEW_KEY_VARIABLE)
    store = project_state()
    with TokenStore(store).exclusive():  # a renewal under way could not be stored with the former key
        values = change_key(store, Key.of(stated) if stated else None)
    where = f"Set {KEY_VARIABLE} to it" if stated else "It is in `state.key` in the home"
    sys.stdout.write(f"Encrypted {values:,} values with the new key. {where}; destroy the former one.\n")


@state.command("forget-key")
def forget(
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Give up what is encrypted with a key that is lost: sign-ins, uploads under way, bodies of waiting events."""
    if not yes and not typer.confirm("Is the key lost for good? Sign-ins and events that wait are given up."):
        raise typer.Exit(1)
    values = forget_key(project_state())
    sys.stdout.write(
        f"Gave up {values:,} encrypted values. Sign in again: spotify-pipeline login. Lists are sent from their first "
        "byte; materialize the days of events that waited again.\n"
    )


def _store(stated: str) -> StateStore:
    address = stated
    if _VARIABLE.fullmatch(stated):
        address = current_settings().environment.get(stated) or ""
        if not address:
            raise CommandError(f"{stated} is not set. Set it to the URL of a database.")
    elif "@" in stated:
        raise CommandError(
            "A URL with a user and a password is seen by everybody on this machine, and stays in the shell's history. "
            "Put it into an environment variable, and name that."
        )
    return StateStore(Place.of(address, project_home()), project_home(), key=current_settings().key_of_state)


def _lists(stated: str) -> str:
    return stated if "://" in stated else str(Path(stated).absolute())


def _report(what: str, copied: Copied, where: str) -> None:
    sys.stdout.write(f"{what}, and verified: {copied.total:,} rows, {where}.\n")
    for table, rows in sorted(_with_rows(copied.rows).items()):
        sys.stdout.write(f"  {table}: {rows:,}\n")


def _with_rows(rows: Mapping[str, int]) -> dict[str, int]:
    return {table: count for table, count in rows.items() if count and table != "alembic_version"}
