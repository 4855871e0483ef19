"""What would wipe, halve, swap or poison a live audience, each as a person or a machine would cause it.

Every scenario is a function of a machine whose lists are live. It does what happens on the next day and tries to send;
the try must end in an error that this project raises on purpose.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from spotify_pipeline.mirror.guards import guard_limits
from spotify_pipeline.rows import DigestSet, Suppressions
from spotify_pipeline_tests.stress.wipes.bench import LIVE_ROWS, people, suppressing
from spotify_pipeline_tests.stress.wipes.drains import AS_SENT, COLUMNS, DRAINS, nothing
from spotify_pipeline_tests.stress.wipes.happenings import (
    NO_TEXT,
    Happening,
    another_file,
    approvals_damaged,
    approved,
    approved_empty,
    built,
    changed_bytes,
    clock_breaks,
    erased,
    expired,
    from_the_future,
    guard_breaks,
    half,
    history_deleted,
    home_of_another,
    in_other_account,
    journal_damaged,
    journal_lost,
    limited,
    linked_elsewhere,
    live,
    nearly_swapped,
    no_file,
    of_another_audience,
    old_list_damaged,
    old_manifest_damaged,
    older,
    other_account,
    other_audience,
    partial_read,
    rules_of_another_version,
    segment,
    sent,
    stale,
    statement,
    suppressed,
    swapped,
    tomorrows_half,
    unreadable_home,
    used,
    with_column,
)


@dataclass(frozen=True)
class Scenario:
    code: str
    name: str
    happen: Happening
    says: str = ""
    """The guard that blocks, or a word of the sentence that the run ends with."""
    first: bool = False
    """Whether nothing was ever sent before."""
    after: Happening = nothing
    """What was rightly sent before; its calls are not counted."""


SCENARIOS: tuple[Scenario, ...] = (
    *(Scenario(*each) for each in AS_SENT),
    *(Scenario(*each) for each in COLUMNS),
    *(Scenario(code, name, happen, says, after=after) for code, name, after, happen, says in DRAINS),
    Scenario("W01", "the segment is empty", segment(lambda: people(0, 0)), "empty"),
    Scenario("W01", "everybody's consent was withdrawn", with_column("agreed", pl.lit(value=False)), "empty"),
    Scenario("W01", "the consent column went NULL", with_column("agreed", pl.lit(None, dtype=pl.Boolean)), "empty"),
    Scenario(
        "W01",
        "all identifiers went NULL",
        segment(lambda: live().with_columns(email=NO_TEXT, phone=NO_TEXT, device_id=NO_TEXT)),
        "empty",
    ),
    Scenario("W01", "everybody is suppressed", suppressed(suppressing(range(LIVE_ROWS + 3))), "empty"),
    Scenario("W01", "the first list ever is empty", segment(lambda: people(0, 0)), "empty", first=True),
    Scenario("W01", "somebody approved an empty list", approved(approved_empty, lambda: people(0, 0)), "empty"),
    Scenario("W02", "a join lost 99 %", segment(lambda: people(0, 20)), "shrink"),
    Scenario("W02", "a join lost half", segment(half), "shrink"),
    Scenario("W02", "one person more than 30 % are gone", segment(lambda: people(0, 1_399)), "shrink"),
    Scenario("W02", "a LIMIT 1000 was left in the model", segment(lambda: live().head(1_000)), "shrink"),
    Scenario("W02", "half of the rows are doubles", segment(lambda: pl.concat([half(), half()])), "shrink"),
    Scenario(
        "W02",
        "consent of half was lost in a migration",
        with_column("agreed", pl.int_range(pl.len()) % 2 == 0),
        "shrink",
    ),
    Scenario(
        "W02", "a third was suppressed by mistake", suppressed(suppressing(range(700), range(70_000, 70_100))), "shrink"
    ),
    Scenario("W02", "the second of two losses in a row", tomorrows_half, "shrink"),
    Scenario(
        "W02", "a tighter limit is kept", limited(guard_limits(max_shrink=0.05), lambda: people(0, 1_899)), "shrink"
    ),
    Scenario("W03", "all people are others", segment(lambda: people(20_000, 22_000)), "churn"),
    Scenario("W03", "61 % are others", segment(lambda: people(1_221, 3_221)), "churn"),
    Scenario("W03", "a test database was read", segment(lambda: people(90_000, 92_200)), "churn"),
    Scenario("W03", "every identifier is normalized otherwise", rules_of_another_version, "churn"),
    Scenario(
        "W03", "a tighter limit is kept", limited(guard_limits(max_churn=0.1), lambda: people(201, 2_201)), "churn"
    ),
    Scenario("W03", "shrunk within the limit, and exchanged", segment(lambda: people(20_000, 21_500)), "churn"),
    Scenario("W04", "ten times as many people", segment(lambda: people(0, 20_000)), "growth"),
    Scenario("W04", "the segment lost its WHERE", segment(lambda: people(0, 6_001)), "growth"),
    Scenario(
        "W04", "a tighter limit is kept", limited(guard_limits(max_growth=0.1), lambda: people(0, 2_201)), "growth"
    ),
    Scenario("W05", "the cursor was closed early", partial_read(LIVE_ROWS + 1), "read"),
    Scenario("W05", "a page was lost", partial_read(2 * LIVE_ROWS), "read"),
    Scenario("W05", "a page came twice", partial_read(LIVE_ROWS - 100), "read"),
    Scenario("W05", "rows were counted and none read", lambda b: sent(b, b.build(people(0, 0), counted=9)), "read"),
    Scenario("W06", "the source was not loaded for 49 hours", stale(49), "stale source"),
    Scenario("W06", "the source was not loaded for 36 hours and a minute", stale(36.02), "stale source"),
    Scenario("W06", "no row says when it was changed", stale(None), "stale source"),
    Scenario("W06", "the source is from the future", stale(-49), "stale source"),
    Scenario("W07", "the e-mail column went NULL", with_column("email", NO_TEXT), "column gone"),
    Scenario("W07", "the phone column went NULL", with_column("phone", NO_TEXT), "column gone"),
    Scenario("W07", "the device id column went NULL", with_column("device_id", NO_TEXT), "column gone"),
    Scenario("W07", "all e-mails are the same", with_column("email", pl.lit("unknown@example.com")), "column constant"),
    Scenario("W07", "all phones are the same", with_column("phone", pl.lit("+12015550100")), "column constant"),
    Scenario(
        "W07",
        "all device ids are the same",
        with_column("device_id", pl.lit("11111111-0000-4000-8000-000000000001")),
        "column constant",
    ),
    Scenario("W07", "names stand where e-mails stood", with_column("email", pl.lit("Somebody Smith")), "invalid share"),
    Scenario("W07", "all device ids are zero", with_column("device_id", pl.lit("0" * 32)), "column gone"),
    Scenario(
        "W07",
        "every fourth e-mail is broken",
        with_column(
            "email", pl.when(pl.int_range(pl.len()) % 4 == 0).then(pl.lit("broken")).otherwise(pl.col("email"))
        ),
        "invalid share",
    ),
    Scenario("W07", "phones stand where e-mails stood", with_column("email", pl.col("phone")), "column gone"),
    Scenario("W08", "the list before was deleted", built(history_deleted), "history"),
    Scenario("W08", "the manifest of the list before is damaged", built(old_manifest_damaged), "history"),
    Scenario("W08", "the list before is damaged", built(old_list_damaged), "history"),
    Scenario("W08", "the journal is damaged", built(journal_damaged), "damaged"),
    Scenario("W08", "the journal is lost, and Spotify has the audience", built(journal_lost)),
    Scenario("W08", "the journal is of another machine", built(home_of_another), "history"),
    Scenario("W08", "the first list ever is too short", segment(lambda: people(0, 999)), "minimum", first=True),
    Scenario("W09", "no guard is configured", limited(guard_limits(), half), "shrink"),
    Scenario("W10", "an approval, and another file", approved(another_file), "shrink"),
    Scenario("W10", "an approval that has expired", approved(expired), "shrink"),
    Scenario("W10", "an approval that was used", approved(used), "shrink"),
    Scenario("W10", "the approvals are damaged", approved(approvals_damaged)),
    Scenario("W11", "an approval of another audience", approved(other_audience), "shrink"),
    Scenario("W11", "an approval for another ad account", approved(other_account), "shrink"),
    Scenario("W12", "999 people of 1,400", limited(guard_limits(max_shrink=0.9), lambda: people(0, 999)), "minimum"),
    Scenario("W13", "a guard breaks", built(guard_breaks), "ZeroDivisionError"),
    Scenario("W13", "the clock breaks", built(clock_breaks), "OverflowError"),
    Scenario("W13", "the journal cannot be read", built(unreadable_home)),
    Scenario("W15", "the segment of vip is sent to lapsed", swapped("lapsed", 10_000), "swapped segments"),
    Scenario("W15", "the segment of lapsed is sent to vip", swapped("vip", 0), "swapped segments"),
    Scenario("W15", "nearly the segment of vip, with a wide churn limit", nearly_swapped, "swapped segments"),
    Scenario("W16", "another ad account is configured", in_other_account, "ad account"),
    Scenario(
        "P14", "the suppressions are suddenly empty", suppressed(Suppressions({"do_not_contact": DigestSet.of()}))
    ),
    Scenario("P14", "the suppressions lost 99 %", suppressed(suppressing(range(70_000, 70_001))), "suppressions"),
    Scenario("P14", "the suppressions are not asked any more", suppressed(Suppressions()), "suppressions"),
    Scenario(
        "P14",
        "other suppressions are asked",
        suppressed(suppressing(range(70_000, 70_100), name="other")),
        "suppressions",
    ),
    Scenario("P13", "somebody who asked to be forgotten is in it", built(erased), "erased people"),
    Scenario("P10", "an e-mail address stands in the file", changed_bytes(lambda b: b + b"a@example.com,,\n")),
    Scenario("P10", "the file was cut", changed_bytes(lambda b: b[: len(b) // 2])),
    Scenario("P10", "the file is empty", changed_bytes(lambda _: b"")),
    Scenario("P10", "digests are in capitals", changed_bytes(lambda b: b.upper())),
    Scenario("P10", "one bit of the file flipped", changed_bytes(lambda b: b[:-2] + bytes([b[-2] ^ 1]) + b[-1:])),
    Scenario("P10", "the file is gone", built(no_file)),
    Scenario("P10", "the file is a link to a shorter one", built(linked_elsewhere)),
    Scenario("P10", "the manifest claims another number of rows", built(statement)),
    Scenario(
        "own",
        "the file is larger than Spotify takes",
        limited(guard_limits(max_bytes=10_000), live),
        "oversize",
    ),
    Scenario("own", "a list older than the one at Spotify", older),
    Scenario("own", "a list from the future", from_the_future, "clock"),
    Scenario("own", "the list of vip is handed to lapsed", of_another_audience),
)
