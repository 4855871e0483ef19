"""The calls of a step: each a line of its log while it runs, and a row of a table afterwards, without a secret."""

from __future__ import annotations

import dagster as dg

from spotify_pipeline.spotify import CallLog, CallRecord

CALLS = "spotify_calls"
CALL_TOTALS = "spotify_calls_in_all"
MOST_ROWS = 200
_SCHEMA = dg.TableSchema(
    columns=[
        dg.TableColumn("#", "int", description="In the order in which the calls ended."),
        dg.TableColumn("method", "string"),
        dg.TableColumn("service", "string", description="ads-api, accounts (tokens), storage (uploads), capi."),
        dg.TableColumn("route", "string", description="The address's template: ids and signatures are left out."),
        dg.TableColumn("status", "string", description="The HTTP status, or that no answer came."),
        dg.TableColumn("seconds", "float", description="From sending to the last byte of the answer."),
        dg.TableColumn("waited", "float", description="Seconds before it: for the rate limiter, and between tries."),
        dg.TableColumn("attempt", "int", description="1 for the first try."),
        dg.TableColumn("trace id", "string", description="Spotify's support asks for it."),
    ]
)


def new_call_log() -> CallLog:
    """Where a run's calls are kept: of more than 200 the first and the last hundred."""
    return CallLog(MOST_ROWS)


def calls_metadata(calls: CallLog, *, retried: int = 0) -> dict[str, dg.MetadataValue]:
    """The table of the calls that were kept and, in words, the totals of all.

    ``retried`` is how often Dagster began the step again: the calls are those of the last time.
    """
    before = " Those of the tries before this one are in the run's log." if retried else ""
    return {
        CALLS: dg.TableMetadataValue([_row(number, call) for number, call in _numbered(calls)], _SCHEMA),
        CALL_TOTALS: dg.TextMetadataValue(_in_words(calls) + before),
    }


def _numbered(calls: CallLog) -> list[tuple[int, CallRecord]]:
    records = calls.records
    begun = len(records) if not calls.left_out else MOST_ROWS - MOST_ROWS // 2
    return [
        (place + (0 if place <= begun else calls.left_out), record) for place, record in enumerate(records, start=1)
    ]


def _row(number: int, call: CallRecord) -> dg.TableRecord:
    return dg.TableRecord(
        {
            "#": number,
            "method": call.method,
            "service": call.service,
            "route": call.route,
            "status": "no answer" if call.status is None else str(call.status),
            "seconds": round(call.seconds, 3),
            "waited": round(call.waited, 3),
            "attempt": call.attempt,
            "trace id": call.trace_id or "",
        }
    )


def _in_words(calls: CallLog) -> str:
    totals = calls.totals
    said = (
        f"{totals.calls:,} calls in {totals.seconds:.1f} s, and {totals.waited:.1f} s of waiting before them; "
        f"{totals.repeated:,} were repetitions, {totals.refused:,} refused, {totals.unanswered:,} without an answer."
    )
    return f"{said} {calls.left_out:,} in the middle are left out of the table." if calls.left_out else said


class StepCalls:
    """An observer of a client's calls."""

    def __init__(self, context: dg.AssetExecutionContext) -> None:
        self._log = context.log
        self._retried = context.retry_number
        self._calls = new_call_log()
        self._trace_ids: list[str] = []

    def __call__(self, call: CallRecord) -> None:
        self._log.info(str(call))
        self._calls(call)
        if call.trace_id:
            self._trace_ids.append(call.trace_id)

    def trace_ids(self) -> list[str]:
        """Of Spotify's answers so far, as receipts name them."""
        return self._trace_ids

    def shown(self) -> dict[str, dg.MetadataValue]:
        """The table of the calls so far, and their totals in words."""
        return calls_metadata(self._calls, retried=self._retried)
