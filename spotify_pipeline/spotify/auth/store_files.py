"""The token store's two files, and their recovery after a process died or a disk failed.

After each change a second copy is written, ``tokens.json.prev``: a damaged file is restored from it. If a write was
killed after its content was complete, the next process that takes the lock finishes it, since it may hold the only copy
of a new token.
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
    """The file and its copy. All methods but ``read()`` need the lock."""

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
        """Whether the file exists and is damaged, whatever its copy is."""
        content = read_private_file(self._path)
        return content is not None and self._parsed(content) is None

    def write(self, contents: StoreContents, *, copy: bool = True) -> None:
        content = contents.to_bytes()
        _write(self._path, content)
        if copy:
            self._write_copy(content)

    def end_interrupted_writes(self) -> None:
        """Finish writes that were killed before their rename; remove those that are incomplete.

        We hold the lock, so the process that wrote such a file is gone.
        """
        for left in self._left_over(f".{self._copy.name}.", ".tmp"):
            left.unlink(missing_ok=True)
        # After the copy's, whose names begin the same.
        for left in sorted(self._left_over(f".{self._path.name}.", ".tmp"), key=_modified):
            content, fault = self._complete(left)
            if content is None:
                left.unlink(missing_ok=True)
                _log.warning(
                    "Removed what an interrupted change of the token store %s had left: %s.",
                    self._path,
                    fault,
                )
            else:
                _rename(left, self._path)  # needs no disk space, as a write would
                self._write_copy(content)
                _log.warning("Completed an interrupted change of the token store %s.", self._path)

    def replace(self, contents: StoreContents) -> None:
        """Write ``contents``, and delete every file that holds older contents."""
        for old in (self._copy, *self._left_over(f"{self._path.name}.damaged-", "")):
            old.unlink(missing_ok=True)
        self.write(contents)

    def _complete(self, left: Path) -> tuple[bytes | None, str]:
        """The content of a temporary file, or None and why it must not replace the store's.

        One that looks older is used all the same while a renewal may be running: the clock may have been set back,
        and the response may be stored nowhere else.
        """
        try:
            content = read_private_file(left)
            if content is None or self._parsed(content) is None:
                return None, "it is incomplete"
        except TokenStoreUnusable:
            return None, "it may not be ours, or is of another version"
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
        _log.warning("Restored the token store %s; the damaged file was kept as %s.", self._path, aside.name)

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
            next_step="Restore it, or move it away and run `spotify-pipeline login`; it was not changed.",
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
