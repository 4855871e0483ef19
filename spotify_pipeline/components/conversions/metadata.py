"""What the Dagster UI shows of a day of a feed: its account, and its dead letters without a value.

Counts of events are exact, however small: an account that says "fewer than 20" could not be checked. They count events
and not people. Only the reasons that people themselves gave, such as an erasure, are in words below 20, as their number
within one day may say something of one person.
"""

from __future__ import annotations

from collections.abc import Mapping

import dagster as dg
import polars as pl

from spotify_pipeline.components.metadata import Metadata, in_words
from spotify_pipeline.conversions import DayAccount, DeliveryReport, Filtered, Reading
from spotify_pipeline.printable import markdown_cell

MOST_DEAD_LETTERS = 100
GIVEN_BY_PEOPLE = frozenset({Filtered.NO_CONSENT, Filtered.SUPPRESSED, Filtered.ERASED, Filtered.OPTED_OUT})
WITHHELD = "withheld: it looks like an e-mail address"
_SCHEMA = dg.TableSchema(
    columns=[
        dg.TableColumn("event_id", "string", description="The event's id, or the mark of its row where it has none."),
        dg.TableColumn("event_name", "string"),
        dg.TableColumn("reason", "string", description="Why it cannot be sent."),
        dg.TableColumn("fields", "string", description="The parameters at fault."),
    ]
)


def account_metadata(account: DayAccount) -> Metadata:
    """Where the events of one day are."""
    dead, filtered = sum(account.dead.values()), sum(account.filtered.values())
    return {
        "dagster/partition_row_count": dg.IntMetadataValue(account.read),
        "read": dg.IntMetadataValue(account.read),
        "delivered": dg.IntMetadataValue(account.delivered),
        "pending": dg.IntMetadataValue(account.pending),
        "filtered": dg.IntMetadataValue(filtered),
        "dead": dg.IntMetadataValue(dead),
        **({"sent without action_source": dg.IntMetadataValue(account.left_out)} if account.left_out else {}),
        "account": dg.MarkdownMetadataValue(account_table(account)),
    }


def account_table(account: DayAccount) -> str:
    """The account as a Markdown table: what was read, and where it is."""
    lines = [
        ("read", f"{account.read:,}"),
        ("= delivered", f"{account.delivered:,}"),
        ("+ waiting", f"{account.pending:,}"),
        ("+ filtered", f"{sum(account.filtered.values()):,}"),
        *((f"filtered: {_words(reason)}", _count(reason, count)) for reason, count in _some(account.filtered)),
        ("+ dead letters", f"{sum(account.dead.values()):,}"),
        *((f"dead: {_words(reason)}", f"{count:,}") for reason, count in _some(account.dead)),
    ]
    return "\n".join(
        [
            "| | events |",
            "|:--|--:|",
            *(f"| {markdown_cell(label)} | {markdown_cell(count)} |" for label, count in lines),
        ]
    )


def reading_metadata(reading: Reading) -> Metadata:
    """What one reading of a day brought."""
    return {
        "rows": dg.IntMetadataValue(reading.rows),
        "new": dg.IntMetadataValue(reading.new),
        "known before": dg.IntMetadataValue(reading.known),
        "repeated": dg.IntMetadataValue(reading.repeated),
        "judged again": dg.IntMetadataValue(reading.judged_again),
    }


def dead_letters_metadata(letters: pl.DataFrame) -> Metadata:
    """The dead letters of a day, the first hundred of them; nothing where there is none."""
    if letters.is_empty():
        return {}
    records = [
        dg.TableRecord(
            {
                "event_id": _safe_id(row["event_id"]),
                "event_name": str(row["event_name"] or ""),
                "reason": str(row["reason"] or ""),
                "fields": str(row["fields"] or ""),
            }
        )
        for row in letters.head(MOST_DEAD_LETTERS).iter_rows(named=True)
    ]
    return {"dead letters": dg.TableMetadataValue(records, _SCHEMA)}


def report_metadata(report: DeliveryReport) -> Metadata:
    """What a run sent, of all days together."""
    return {
        "sent by this run": dg.IntMetadataValue(report.delivered),
        "requests": dg.IntMetadataValue(report.calls),
        "requests to find events at fault": dg.IntMetadataValue(report.extra_calls),
    }


def _some(reasons: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted((reason, count) for reason, count in reasons.items() if count)


def _words(reason: str) -> str:
    return reason.replace("_", " ")


def _count(reason: str, count: int) -> str:
    return in_words(count) if reason in GIVEN_BY_PEOPLE else f"{count:,}"


def _safe_id(event_id: object) -> str:
    # What names an event is the project's choice; an address chosen for it must not get into Dagster's log.
    text = str(event_id or "")
    return WITHHELD if "@" in text or "%40" in text.lower() else text
