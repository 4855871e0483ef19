"""The running count of a list: rows, digests, matches and faults. It grows with none of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from spotify_pipeline.sandbox.store import TOKENS, Listeners, Problem

DIGEST_OF_NOTHING = b"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
"""SHA-256 of zero bytes: what hashing an empty cell gives."""

_LOWER_HEX = b"0123456789abcdef"
_ANY_HEX = b"0123456789abcdefABCDEF"
_DIGEST_LENGTH = 64


class ProblemKind(StrEnum):
    """Everything that can be wrong with a list. The value is the name in ``/sandbox/audiences``."""

    EMPTY_FILE = "empty_file"
    BYTE_ORDER_MARK = "byte_order_mark"
    NO_HEADER = "no_header"
    UNKNOWN_COLUMN = "unknown_column"
    REPEATED_COLUMN = "repeated_column"
    LAYOUT_NOT_ACCEPTED = "layout_not_accepted"
    CELL_COUNT = "cell_count"
    EMPTY_ROW = "empty_row"
    OVERLONG_LINE = "overlong_line"
    UNKNOWN_TYPE = "unknown_type"
    NOT_JSON = "not_json"
    NOT_A_DIGEST = "not_a_digest"
    UPPER_CASE_DIGEST = "upper_case_digest"
    RAW_IDENTIFIER = "raw_identifier"
    DIGEST_OF_NOTHING = "digest_of_nothing"
    TOO_FEW_ROWS = "too_few_rows"
    UNREADABLE = "unreadable"


SENTENCES = {
    ProblemKind.EMPTY_FILE: "The file holds no row.",
    ProblemKind.BYTE_ORDER_MARK: "The file begins with a byte order mark.",
    ProblemKind.NO_HEADER: f"The first line is not a header of {', '.join(TOKENS)}.",
    ProblemKind.UNKNOWN_COLUMN: "A column of the header is not an identifier type of Spotify's.",
    ProblemKind.REPEATED_COLUMN: "A column is in the header twice.",
    ProblemKind.LAYOUT_NOT_ACCEPTED: "This layout is only read where the list format is lenient.",
    ProblemKind.CELL_COUNT: "The row has more or fewer cells than the header.",
    ProblemKind.EMPTY_ROW: "The row holds no identifier.",
    ProblemKind.OVERLONG_LINE: "The line is longer than 64 KiB.",
    ProblemKind.UNKNOWN_TYPE: "The row's type is not an identifier type of Spotify's.",
    ProblemKind.NOT_JSON: "The line is not a JSON object.",
    ProblemKind.NOT_A_DIGEST: "The cell is not 64 hexadecimal characters.",
    ProblemKind.UPPER_CASE_DIGEST: "The digest is not in lower case.",
    ProblemKind.RAW_IDENTIFIER: "The cell looks like an identifier that was never hashed.",
    ProblemKind.DIGEST_OF_NOTHING: "The cell is the SHA-256 of nothing.",
    ProblemKind.TOO_FEW_ROWS: "The list has fewer usable rows than the minimum.",
    ProblemKind.UNREADABLE: "The sandbox failed while it read the list; its log names the kind of failure.",
}


@dataclass
class _Fault:
    count: int
    first_line: int | None


class Tally:
    """Counts as rows go by. ``lenient`` lets upper-case digests count, lower-cased."""

    def __init__(self, listeners: Listeners, *, lenient: bool) -> None:
        self._listeners = listeners
        self._lenient = lenient
        self._faults: dict[ProblemKind, _Fault] = {}
        self.rows = 0
        self.usable_rows = 0
        self.matched_rows = 0
        self.digests: Counter[str] = Counter(dict.fromkeys(TOKENS, 0))

    def fault(self, kind: ProblemKind, line: int | None = None) -> None:
        """Note that something of this kind is wrong on this line (the first is 1)."""
        known = self._faults.setdefault(kind, _Fault(0, line))
        known.count += 1

    def row(self, cells: list[tuple[str, bytes]], line: int) -> None:
        """Count a row: its cells that are not empty, each with its identifier type."""
        self.rows += 1
        if not cells:
            self.fault(ProblemKind.EMPTY_ROW, line)
            return
        usable = matched = False
        for token, cell in cells:
            digest = self._digest(cell, line)
            if digest is None:
                continue
            usable = True
            self.digests[token] += 1
            matched = matched or self._listeners.include(token, digest)
        self.usable_rows += usable
        self.matched_rows += matched

    def broken_row(self, kind: ProblemKind, line: int) -> None:
        """Count a row of which nothing can be read."""
        self.rows += 1
        self.fault(kind, line)

    def problems(self) -> tuple[Problem, ...]:
        """What was wrong, in the order of first occurrence."""
        return tuple(
            Problem(kind=kind.value, count=fault.count, first_line=fault.first_line, sentence=SENTENCES[kind])
            for kind, fault in self._faults.items()
        )

    def _digest(self, cell: bytes, line: int) -> bytes | None:
        if len(cell) == _DIGEST_LENGTH and not cell.strip(_LOWER_HEX):
            if cell == DIGEST_OF_NOTHING:
                self.fault(ProblemKind.DIGEST_OF_NOTHING, line)
                return None
            return cell
        if len(cell) == _DIGEST_LENGTH and not cell.strip(_ANY_HEX):
            self.fault(ProblemKind.UPPER_CASE_DIGEST, line)
            return self._digest(cell.lower(), line) if self._lenient else None
        looks_raw = b"@" in cell or cell.startswith(b"+")
        self.fault(ProblemKind.RAW_IDENTIFIER if looks_raw else ProblemKind.NOT_A_DIGEST, line)
        return None
