"""The token store's two files, and what a process that died or a disk that failed has left of them.

After each change a second copy is written, ``tokens.json.prev``: a file that is damaged is restored from it. A write
that was killed after its content was complete is brought to its end by whoever takes the lock next, since that content
may be the only place of a token that Spotify has just given.
"""

from __future__ import annotations

import logging
import os
from datetime import UTC, datetime
from pathlib import Path

from spotify_pipeline.home import HomeError, atomic_private_file
from spotify_pipeline.spotify.auth.authorization import AnotherVersion, StoreContents, parse_store
from spotify_pipeline.spotify.auth.store_safety import read_private_file, refuse_unsafe_directory
from spotify_pipeline.spotify.errors import TokenStoreUnusable

_log = logging.getLogger(__name__)


class StoreFiles:
    """The file and its copy. Only who holds the lock may call what writes, which is all but ``read()``."""

    def __init__(self, path: Path, mount_table: Path) -> None:
        self._path = path
        self._copy = path.with_name(path.name + ".prev")
        self._mount_table = mount_table

    def refuse_unsafe_place(self) -> None:
        refuse_unsafe_directory(self._path.parent, self._mount_table)

    def read(self, *, restore: bool = False) -> StoreContents:
        self.refuse_unsafe_place()
        content, copied = read_private_file(self._path), read_private_file(self._copy)
        if content is None:
            return StoreContents()
        contents = self._parsed(content)
        if contents is None:
            contents = None if copied is None else self._parsed(copied)
            if contents is None:
                raise self._damaged()
            _log.warning("The token store %s is damaged; its copy %s is used instead.", self._path, self._copy.name)
            if restore:
                self._restore(content, contents)
        return contents

    def is_damaged(self) -> bool:
        """Whether there is a file and it is no store, whatever its copy is."""
        content = read_private_file(self._path)
        return content is not None and self._parsed(content) is None

    def write(self, contents: StoreContents, *, copy: bool = True) -> None:
        content = contents.to_bytes()
        _write(self._path, content)
        if copy:
            self._write_copy(content)

    def end_interrupted_writes(self) -> None:
        """Bring a write to its end that was killed before its rename; remove what is not worth it.

        We hold the lock, so whoever wrote such a file is gone.
        """
        for left in self._left_over(f".{self._copy.name}.", ".tmp"):
            left.unlink(missing_ok=True)
        # Only now: the copy's own begin with the same words.
        for left in sorted(self._left_over(f".{self._path.name}.", ".tmp"), key=_modified):
            content, fault = self._complete(left)
            if content is None:
                left.unlink(missing_ok=True)
                _log.warning(
                    "What a change of the token store %s that was cut short had left was removed: %s.",
                    self._path,
                    fault,
                )
            else:
                _rename(left, self._path)  # needs no room, where a write would
                self._write_copy(content)
                _log.warning("A change of the token store %s had been cut short; it is complete now.", self._path)

    def replace(self, contents: StoreContents) -> None:
        """Write ``contents``, and leave no file that holds what was there before."""
        for old in (self._copy, *self._left_over(f"{self._path.name}.damaged-", "")):
            old.unlink(missing_ok=True)
        self.write(contents)

    def _complete(self, left: Path) -> tuple[bytes | None, str]:
        """The content of a temporary file, or None and why it must not replace the store's.

        One that looks older is taken all the same while a renewal is not known to have ended: the clock may have
        been set back, and its answer be nowhere else.
        """
        try:
            content = read_private_file(left)
            if content is None or self._parsed(content) is None:
                return None, "it is not whole"
        except TokenStoreUnusable:
            return None, "it is not surely ours, or of another version"
        if _modified(left) < _modified(self._path) and not self._renewal_under_way():
            return None, "it is older than the store"
        return content, ""

    def _renewal_under_way(self) -> bool:
        try:
            entries = self.read().authorizations.values()
        except TokenStoreUnusable:
            return False
        return any(each.refresh_started_at is not None for each in entries)

    def _write_copy(self, content: bytes) -> None:
        try:
            _write(self._copy, content)
        except HomeError as reason:
            _log.warning("The copy of the token store could not be written: %s", reason)

    def _restore(self, damaged: bytes, contents: StoreContents) -> None:
        aside = self._path.with_name(f"{self._path.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S.%f}")
        _write(aside, damaged)
        _write(self._path, contents.to_bytes())
        _log.warning("The token store %s is restored; the damaged file was kept as %s.", self._path, aside.name)

    def _parsed(self, content: bytes) -> StoreContents | None:
        try:
            return parse_store(content)
        except AnotherVersion:
            raise TokenStoreUnusable(
                f"The token store {self._path} was written by another version of this software.",
                next_step="Use that version, or move the file away and run `spotify-pipeline login`.",
            ) from None

    def _damaged(self) -> TokenStoreUnusable:
        return TokenStoreUnusable(
            f"The token store {self._path} is damaged.",
            next_step="Restore it, or move it away and run `spotify-pipeline login`; it was left as it is.",
        )

    def _left_over(self, begin: str, end: str) -> list[Path]:
        with os.scandir(self._path.parent) as entries:
            names = [entry.name for entry in entries]
        return [self._path.with_name(name) for name in names if name.startswith(begin) and name.endswith(end)]


def _write(path: Path, content: bytes) -> None:
    with atomic_private_file(path) as file:
        file.write(content)


def _rename(complete: Path, path: Path) -> None:
    _flush(complete)
    complete.replace(path)
    _flush(path.parent)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _modified(path: Path) -> int:
    try:
        return path.lstat().st_mtime_ns
    except FileNotFoundError:
        return 0
