"""The directory that a sandbox keeps its state in: made private, never taken from somebody else, used by one at a time.

A sandbox may be given any directory, ``/tmp`` by mistake among them. So one that exists keeps its mode, and one that
holds other files is refused before anything is written to it.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from spotify_pipeline.sandbox.config import SandboxError

DATABASE = "sandbox.sqlite"
LISTS = "lists"
SESSIONS = "sessions"
_LOCK = "lock"


def private_folder(directory: Path) -> Path:
    """Make ``directory``, 0700, unless it exists; then it keeps its mode.

    Raises:
        SandboxError: it cannot be made, or is something other than a directory.
    """
    try:
        directory.mkdir(mode=0o700, parents=True)
        directory.chmod(0o700)  # whatever the umask
    except FileExistsError as error:
        if not directory.is_dir():
            raise _unusable(directory, error) from None
    except OSError as error:
        raise _unusable(directory, error) from None
    return directory


def claimed(directory: Path) -> int:
    """Take ``directory`` for one sandbox, and return the descriptor of its lock; closing that gives it back.

    A directory can be taken that is empty, or that a sandbox has used, or has begun to use, before.

    Raises:
        SandboxError: it holds somebody else's files, another sandbox is running on it, or it cannot be written.
    """
    try:
        foreign = any(not _begun_by_a_sandbox(entry) for entry in directory.iterdir())
        if foreign and not (directory / DATABASE).exists():
            raise SandboxError(
                f"the directory {directory} holds files that are not a sandbox's. Name an empty or a new directory."
            )
        descriptor = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise _unusable(directory, error) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise SandboxError(
            f"another sandbox is running on {directory}. Stop it, or name another state directory."
        ) from None
    return descriptor


def _begun_by_a_sandbox(entry: Path) -> bool:
    """Whether a sandbox makes ``entry`` before its database: the lock, then the two folders, still empty."""
    if entry.name == _LOCK:
        return entry.is_file()
    return entry.name in (LISTS, SESSIONS) and entry.is_dir() and not any(entry.iterdir())


def _unusable(directory: Path, error: OSError) -> SandboxError:
    return SandboxError(f"the sandbox's directory {directory} cannot be used ({error.strerror}). Name another one.")
