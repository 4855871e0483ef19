"""The calls of a run as a table in the Dagster UI: what was asked of Spotify, and what came back, without a secret."""

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
