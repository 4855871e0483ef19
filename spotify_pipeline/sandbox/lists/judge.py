"""Reads a customer list the way Spotify would and says what it is worth."""

from __future__ import annotations

import logging
from pathlib import Path

from spotify_pipeline.sandbox.config import ListFormat
from spotify_pipeline.sandbox.lists.layouts import Layout, count_rows, header_fault, layout_of, lines_of
from spotify_pipeline.sandbox.lists.tally import SENTENCES, ProblemKind, Tally
from spotify_pipeline.sandbox.store import Judgement, Listeners

_log = logging.getLogger(__name__)

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def judge(path: Path, list_format: ListFormat, listeners: Listeners, minimum_rows: int) -> Judgement:
    """Read the list in ``path`` once, in memory that does not depend on its size.

    A list is refused as a whole when its first line does not fit the format, or when fewer than ``minimum_rows`` of
    its rows hold a digest. A cell that is not a digest is skipped and noted; the rest of its row counts.

    Whatever goes wrong meanwhile becomes a verdict too: a list without one is judged again with every question about
    its ad account.

    Raises:
        FileNotFoundError: there is no list in ``path`` (any more).
    """
    try:
        return _read(path, list_format, listeners, minimum_rows)
    except FileNotFoundError:
        raise
    except Exception as error:  # noqa: BLE001 - one list must not take the whole ad account with it
        # The kind only: a message may quote the cell.
        _log.error("A customer list could not be judged: %s.", type(error).__name__)
        tally = Tally(listeners, lenient=list_format is ListFormat.LENIENT)
        tally.fault(ProblemKind.UNREADABLE)
        return _judgement(list_format, Layout.UNREADABLE, tally, ProblemKind.UNREADABLE)


def _read(path: Path, list_format: ListFormat, listeners: Listeners, minimum_rows: int) -> Judgement:
    lenient = list_format is ListFormat.LENIENT
    tally = Tally(listeners, lenient=lenient)
    with path.open("rb") as file:
        lines = lines_of(file)
        first_line = next(lines, None)
        if first_line is None:
            tally.fault(ProblemKind.EMPTY_FILE)
            return _judgement(list_format, Layout.UNREADABLE, tally, ProblemKind.EMPTY_FILE)
        marked = first_line.startswith(_BYTE_ORDER_MARK)
        first_line = first_line.removeprefix(_BYTE_ORDER_MARK)
        layout = layout_of(first_line)
        if marked:
            tally.fault(ProblemKind.BYTE_ORDER_MARK, 1)
        refusal = ProblemKind.BYTE_ORDER_MARK if marked and not lenient else _first_line_fault(first_line, lenient)
        if refusal is not None:
            if refusal is not ProblemKind.BYTE_ORDER_MARK:
                tally.fault(refusal, 1)
            return _judgement(list_format, layout, tally, refusal)
        count_rows(layout, first_line, lines, tally)
    if tally.rows == 0:
        tally.fault(ProblemKind.EMPTY_FILE)
        return _judgement(list_format, layout, tally, ProblemKind.EMPTY_FILE)
    if tally.usable_rows < minimum_rows:
        tally.fault(ProblemKind.TOO_FEW_ROWS)
        return _judgement(list_format, layout, tally, ProblemKind.TOO_FEW_ROWS)
    return _judgement(list_format, layout, tally, None)


def _first_line_fault(first_line: bytes, lenient: bool) -> ProblemKind | None:
    layout = layout_of(first_line)
    if layout is Layout.UNREADABLE:
        return ProblemKind.NO_HEADER
    if layout is Layout.WIDE:
        return header_fault(first_line)
    return None if lenient else ProblemKind.LAYOUT_NOT_ACCEPTED


def _judgement(list_format: ListFormat, layout: Layout, tally: Tally, refusal: ProblemKind | None) -> Judgement:
    return Judgement(
        list_format=list_format.value,
        layout=layout.value,
        rows=tally.rows,
        usable_rows=tally.usable_rows,
        matched_rows=0 if refusal else tally.matched_rows,
        digests=dict(tally.digests),
        problems=tally.problems(),
        refusal=SENTENCES[refusal] if refusal else None,
    )
