"""Stores the receipts of all audiences: one small private file for each change at Spotify, chained by digests.

``<receipts>/<ad account>/<audience>/000001.json`` and so on. Files are written whole and never changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from spotify_pipeline.home import HomeError, atomic_private_file
from spotify_pipeline.mirror.journal import Journal, JournalEntry, JournalError
from spotify_pipeline.mirror.receipts.model import Receipt, ReceiptDamaged
from spotify_pipeline.mirror.receipts.verify import ChainReport, check_chain
from spotify_pipeline.mirror.spec import folder_of

_FILE = re.compile(r"([0-9]{6}|[1-9][0-9]{6,})\.json")


class ReceiptBook:
    """The receipts below one directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @staticmethod
    def beside(journal: Journal) -> ReceiptBook:
        """The receipts of the same home as a journal."""
        return ReceiptBook(journal.directory.parent / "receipts")

    def folder(self, audience: str, ad_account_id: str) -> Path:
        """Where the receipts of an audience are."""
        return self._directory / ad_account_id / audience

    def read(self, audience: str, ad_account_id: str) -> list[Receipt]:
        """The receipts of an audience that can be read, oldest first; ``verify`` says what is wrong with others."""
        found = self._found(audience, ad_account_id)
        return [receipt for _, receipt in sorted(found.items()) if isinstance(receipt, Receipt)]

    def newest_first(self, audience: str, ad_account_id: str) -> Iterator[Receipt]:
        """The receipts of an audience that can be read, the newest first, each read as it is asked for."""
        for number in reversed(self._numbers(audience, ad_account_id)):
            stored = self._stored(audience, ad_account_id, number)
            if isinstance(stored, Receipt):
                yield stored

    def last(self, audience: str, ad_account_id: str) -> tuple[int, str] | None:
        """Number and digest of the newest file; an empty digest where that is damaged, None where there is no file."""
        numbers = self._numbers(audience, ad_account_id)
        if not numbers:
            return None
        newest = self._stored(audience, ad_account_id, numbers[-1])
        return numbers[-1], newest.digest if isinstance(newest, Receipt) else ""

    def without_journal(self, journal: Journal) -> list[str]:
        """Folder names of audiences that have receipts and whose entry in the journal is gone."""
        found = {(folder.parent.name, folder.name) for folder in self._directory.glob("*/*") if folder.is_dir()}
        return sorted({folder_of(key) for _, key in found.difference(journal.known())})

    def append(self, receipt: Receipt) -> None:
        """Make a receipt durable. The same once more changes nothing.

        Raises:
            HomeError: it cannot be written, or another is there under its number, which is left as it is.
        """
        file = self._file(receipt.audience, receipt.ad_account_id, receipt.number)
        content = receipt.to_bytes()
        with suppress(FileNotFoundError):
            if _read(file) == content:
                return
            raise HomeError(
                f"Receipt {receipt.number} of {receipt.audience} cannot be written: {file} is there already and is "
                "another. No receipt is ever overwritten. Find out who put it there, move it away and run again."
            )
        with atomic_private_file(file) as written:
            written.write(content)

    def verify(self, journal: Journal, folder: str | None = None) -> list[ChainReport]:
        """A report on each audience that has receipts, or should have; of those of one folder where one is named."""
        known = {(folder.parent.name, folder.name) for folder in self._directory.glob("*/*") if folder.is_dir()}
        keys = {key for key in known.union(journal.known()) if folder in (None, folder_of(key[1]))}
        entries = {key: _entry(journal, *key) for key in keys}
        return [
            check_chain(audience, account, self._found(audience, account), entry, self._strangers(audience, account))
            for (account, audience), entry in sorted(entries.items(), key=lambda item: item[0])
            if (account, audience) in known or _should_have(entry)
        ]

    def _found(self, audience: str, ad_account_id: str) -> dict[int, Receipt | str]:
        numbers = self._numbers(audience, ad_account_id)
        return {number: self._stored(audience, ad_account_id, number) for number in numbers}

    def _numbers(self, audience: str, ad_account_id: str) -> list[int]:
        names = (_FILE.fullmatch(file.name) for file in self.folder(audience, ad_account_id).glob("*.json"))
        return sorted(int(name[1]) for name in names if name is not None and int(name[1]) > 0)

    def _strangers(self, audience: str, ad_account_id: str) -> list[str]:
        """Names of files that look like receipts, and under which none is ever written."""
        known = {self._file(audience, ad_account_id, number).name for number in self._numbers(audience, ad_account_id)}
        files = self.folder(audience, ad_account_id).glob("[!.]*.json")
        return sorted(file.name for file in files if file.name not in known)

    def _stored(self, audience: str, ad_account_id: str, number: int) -> Receipt | str:
        try:
            return Receipt.from_bytes(_read(self._file(audience, ad_account_id, number)))
        except FileNotFoundError:
            return "is missing"
        except HomeError as error:
            return f"cannot be read. {error}".removesuffix(".")
        except ReceiptDamaged as damage:
            return str(damage)

    def _file(self, audience: str, ad_account_id: str, number: int) -> Path:
        return self.folder(audience, ad_account_id) / f"{number:06d}.json"


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise HomeError(f"The receipt {file} cannot be read: {error.strerror}. Check its owner.") from None


def _entry(journal: Journal, ad_account_id: str, audience: str) -> JournalEntry | str | None:
    if not journal.file(audience, ad_account_id).exists():
        return None
    try:
        return journal.read(audience, ad_account_id)
    except (JournalError, HomeError) as error:
        return str(error)


def _should_have(entry: JournalEntry | str | None) -> bool:
    return isinstance(entry, str) or (entry is not None and (entry.receipts > 0 or entry.receipt_due is not None))
