"""The project's directory on this machine: lists, token store, journal.

Everything in it is personal data or a credential, so every directory is 0700 and every file 0600, whatever the umask.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from spotify_pipeline.errors import ExpectedError

HOME_VARIABLE = "SPOTIFY_PIPELINE_HOME"
DEFAULT_HOME = ".spotify_pipeline"


class HomeError(ExpectedError):
    """The project's directory cannot be used; the message says why and what to do."""


def reason_of(error: OSError) -> str:
    """The operating system's message, which names no file."""
    return os.strerror(error.errno) if error.errno else "unknown reason"


def private_directory(path: Path) -> Path:
    """Create ``path`` and missing parents, each 0700 whatever the umask, and return ``path``.

    An existing directory keeps its mode: it may be shared, such as ``/tmp``.

    Raises:
        HomeError: it cannot be created or written to, or is not a directory.
    """
    try:
        missing = [folder for folder in (path, *path.parents) if not folder.exists()]
        for folder in reversed(missing):
            folder.mkdir(mode=0o700, exist_ok=True)
        if not path.is_dir() or not os.access(path, os.W_OK | os.X_OK):
            raise HomeError(
                f"{path} is not a directory that this user can write to. Set {HOME_VARIABLE} to one that is."
            )
    except OSError as error:
        reason = reason_of(error)
        raise HomeError(
            f"{path} cannot be created ({reason}). Set {HOME_VARIABLE} to a directory that this user can write to."
        ) from None
    return path


@contextmanager
def private_umask() -> Generator[int]:
    """Inside the block, files created by this process and its children are private; yields the previous umask.

    For files that a library creates. Other threads' files become private, too, meanwhile.
    """
    before = os.umask(0o077)
    try:
        yield before
    finally:
        os.umask(before)


@contextmanager
def atomic_private_file(path: Path) -> Generator[IO[bytes]]:
    """Open a temporary file beside ``path``, mode 0600, and rename it to ``path`` after the block.

    The file and its directory are flushed to disk, so a crash leaves the old content or the new, never part of it. If
    the block raises, the temporary file is removed and ``path`` is unchanged.

    Raises:
        HomeError: the disk is full, or the directory is not writable.
    """
    private_directory(path.parent)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, 0o600)
            yield file
            file.flush()
            os.fsync(descriptor)
        temporary.replace(path)
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except (ConnectionError, TimeoutError):
        # From what the block reads, not from the disk.
        raise
    except OSError as error:
        reason = reason_of(error)
        raise HomeError(
            f"{path} cannot be written ({reason}). Free some space or check its owner, then run again."
        ) from None
    finally:
        temporary.unlink(missing_ok=True)
