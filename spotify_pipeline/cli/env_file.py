"""Adds a secret to a file of environment variables that nobody else may read."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from spotify_pipeline.cli.errors import CommandError
from spotify_pipeline.home import atomic_private_file
from spotify_pipeline.spotify import Secret

VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")
_PLAIN = re.compile(r"[A-Za-z0-9._~+/=-]+")


def add_secret(file: Path, variable: str, make: Callable[[], Secret]) -> None:
    """Write ``variable`` with the secret that ``make`` makes, in place of an earlier line; mode 0600.

    The file is looked at before the secret is made, so that none is made that could not be kept.

    Raises:
        CommandError: the variable's name or the secret cannot stand in such a file, or it cannot be read.
        HomeError: the file cannot be written.
    """
    if not VARIABLE.fullmatch(variable):
        raise CommandError(f"{variable} is not the name of an environment variable, such as SPOTIFY_CAPI_TOKEN.")
    try:
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    except (OSError, UnicodeDecodeError):
        raise CommandError(f"{file} cannot be read as text. Nothing was made. Name another with --env-file.") from None
    if not file.parent.is_dir():
        raise CommandError(f"There is no directory {file.parent}. Nothing was made.")
    kept = [line for line in lines if not re.match(rf"\s*(export\s+)?{variable}\s*=", line)]
    with atomic_private_file(file) as written:  # room on the disk is asked for before the secret exists
        secret = make().reveal()
        if not _PLAIN.fullmatch(secret):
            raise CommandError("The token has characters that were not expected, so it was not written. Delete it.")
        written.write("".join(f"{line}\n" for line in [*kept, f"{variable}={secret}"]).encode())
