"""Lets one run at a time write to an audience of an ad account.

A lock of the operating system (``flock``) keeps runs of this machine apart, in processes and in threads alike, and goes
with its process, however that ends. Its holder writes a mark into the lock file and looks for it before each write:
where locks do not hold (some network file systems) or somebody removed the file, the run that came later has written
its own, and the earlier one stops.
"""

from __future__ import annotations

import errno
import fcntl
import json
import logging
import os
import secrets
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from spotify_pipeline.home import HomeError, private_directory, reason_of
from spotify_pipeline.mirror.errors import MirrorRefused
from spotify_pipeline.retries import AUDIENCE_HELD

_WITHOUT_LOCKS = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP})
_log = logging.getLogger("spotify_pipeline.mirror")


class Lease:
    """Leave to write to one audience, for as long as nobody has taken it over."""

    def __init__(self, file: Path, audience: str, mark: bytes) -> None:
        self._file = file
        self._audience = audience
        self._mark = mark

    @property
    def held(self) -> bool:
        """Whether the lock file still bears the mark of this run."""
        try:
            return self._file.read_bytes() == self._mark
        except OSError:
            return False

    def require(self) -> None:
        """Go on only if the lease is held.

        Raises:
            MirrorRefused: another run has taken it, or the lock file is gone.
        """
        if not self.held:
            raise MirrorRefused(
                f"Another run has taken {self._audience} over since this one began, or somebody removed its lock file "
                f"({self._file}). This run stopped and writes nothing more. Run it again when the other has ended, and "
                "leave the lock file where it is."
            )


@contextmanager
def leased(file: Path, audience: str, *, wait: float, sleep: Callable[[float], None]) -> Generator[Lease]:
    """Hold the lock on ``file`` within the block. The lock is released when the process dies.

    Args:
        file: the lock file. It is made where it is missing, and stays.
        audience: for the sentences.
        wait: seconds to wait for another run to end.
        sleep: called between looks.

    Raises:
        MirrorRefused: another run still holds it after that.
        HomeError: the file cannot be made or written.
    """
    _durable_directory(file.parent)
    descriptor = _locked(file, audience, wait, sleep)
    try:
        mark = _mark()
        try:
            os.pwrite(descriptor, mark, 0)
            os.ftruncate(descriptor, len(mark))
        except OSError as error:
            raise _unusable(file, error) from None
        yield Lease(file, audience, mark)
    finally:
        with suppress(OSError):  # a process forked meanwhile may have the descriptor too, and would keep the lock
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def _durable_directory(directory: Path) -> None:
    """Make the directory, so that it survives a crash: what is made durable in it would go with it."""
    made = [each for each in (directory, *directory.parents) if not each.exists()]
    private_directory(directory)
    for each in made:
        descriptor = os.open(each.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _locked(file: Path, audience: str, wait: float, sleep: Callable[[float], None]) -> int:
    """A descriptor of ``file`` that holds its lock."""
    waited = 0.0
    while True:
        descriptor = _opened(file)
        taken = False
        try:
            taken = _lock(descriptor, file)
        finally:
            if not taken:
                os.close(descriptor)
        if taken:
            return descriptor
        if waited >= wait:
            raise MirrorRefused(
                f"Another run is mirroring {audience} right now. Nothing was sent by this one; run it again when "
                "the other has ended."
            )
        if waited == 0:
            _log.info("Another run is mirroring %s%s. Waiting for it to end.", audience, _holder(file))
        pause = AUDIENCE_HELD.pause(1)
        sleep(pause)
        waited += pause


def _opened(file: Path) -> int:
    try:
        return os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unusable(file, error) from None


def _lock(descriptor: int, file: Path) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _WITHOUT_LOCKS:
            raise _unusable(file, error) from None
        _log.warning(
            "The file system of %s has no locks. Two runs of an audience are noticed only when the second has begun, "
            "and the first then stops: keep the journal on a local disk.",
            file.parent,
        )
    return True


def _mark() -> bytes:
    since = datetime.now(UTC).isoformat(timespec="seconds")
    return json.dumps({"nonce": secrets.token_hex(16), "pid": os.getpid(), "since": since}).encode()


def _holder(file: Path) -> str:
    """Who wrote the mark, for the log; nothing where it cannot be read."""
    try:
        mark = cast("dict[str, object]", json.loads(file.read_bytes()))
        return f" (process {int(str(mark['pid']))}, since {datetime.fromisoformat(str(mark['since']))})"
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _unusable(file: Path, error: OSError) -> HomeError:
    reason = reason_of(error)
    remedy = (
        "It is a symbolic link: remove it." if error.errno == errno.ELOOP else "Free some space or check its owner."
    )
    return HomeError(f"The lock file {file} cannot be used ({reason}). {remedy}")
