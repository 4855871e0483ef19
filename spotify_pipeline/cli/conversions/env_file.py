"""Adds a secret to a file of environment variables that nobody else may read."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

from spotify_pipeline.cli.errors import CommandError
from spotify_pipeline.home import atomic_private_file
from spotify_pipeline.spotify import Secret

VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")
_PLAIN = re.compile(r"[A-Za-z0-9._~+/=-]+")
ROOM = 16 * 1024
"""Bytes that a secret and its variable never need."""


def add_secret(file: Path, variable: str, make: Callable[[], Secret]) -> None:
    """Write ``variable`` with the secret that ``make`` makes, in place of earlier lines; mode 0600.

    The file is looked at before the secret is made, and room on the disk taken, so that none is made that could not
    be kept. All other lines stay as they are.

    Raises:
        CommandError: such a file cannot hold the variable's name or the secret, or it cannot be read.
        HomeError: the file cannot be written.
    """
    if not VARIABLE.fullmatch(variable):
        raise CommandError(
            f"{variable} cannot name the environment variable: capital letters, digits and underscores do, as in "
            "SPOTIFY_CAPI_TOKEN. Nothing was made."
        )
    file = Path(os.path.realpath(file))  # a link stays one
    try:
        text = file.read_bytes().decode() if file.exists() else ""
    except (OSError, UnicodeDecodeError):
        raise CommandError(f"{file} cannot be read as text. Nothing was made. Name another with --env-file.") from None
    if not file.parent.is_dir():
        raise CommandError(f"There is no directory {file.parent}. Nothing was made.")
    with atomic_private_file(file) as written:
        written.write(b"\n" * (len(text.encode()) + ROOM))
        written.flush()
        secret = make().reveal()
        if not _PLAIN.fullmatch(secret):
            raise CommandError("The token has characters that were not expected, so it was not written.")
        written.seek(0)
        written.write(_with_line(text, variable, secret).encode())
        written.truncate()


def _with_line(text: str, variable: str, value: str) -> str:
    lines = text.removesuffix("\n").split("\n") if text else []
    earlier = [re.match(rf"\s*(export\s+)?{variable}\s*=", line) for line in lines]
    kept = [line for line, found in zip(lines, earlier, strict=True) if not found]
    export = "export " if any(found and found[1] for found in earlier) else ""
    return "\n".join([*kept, f"{export}{variable}={value}", ""])
