"""What would wipe, halve, swap or poison a live audience, each as a person or a machine would cause it.

Every scenario is a function of a machine whose lists are live. It does what happens on the next day and tries to send;
the try must end in an error that this project raises on purpose.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import polars as pl

from spotify_pipeline.customer_list import DigestSet, Suppressions
from spotify_pipeline.identity import digest
from spotify_pipeline.mirror.guards import GuardLimits
from spotify_pipeline_tests.wipes.bench import LIVE_ROWS, OTHER_ACCOUNT, Bench, Listed, people, suppressing

Happening = Callable[[Bench], None]


@dataclass(frozen=True)
class Scenario:
    code: str
    name: str
    happen: Happening
    says: str = ""
    """The guard that blocks, or a word of the sentence that the run ends with."""
    first: bool = False
    """Whether nothing was ever sent before."""


def segment(rows: Callable[[], pl.DataFrame]) -> Happening:
    """The segment is found to hold these rows."""
    return lambda bench: sent(bench, bench.build(rows()))


def sent(bench: Bench, listed: Listed, audience: str = "lapsed") -> None:
    bench.send(listed, audience)


def live() -> pl.DataFrame:
    """An ordinary day's segment: as many people as yesterday, three of them new."""
    return people(3, LIVE_ROWS + 3)


def with_column(name: str, value: pl.Expr) -> Happening:
    return segment(lambda: live().with_columns(value.alias(name)))


def partial_read(counted: int) -> Happening:
    return lambda bench: sent(bench, bench.build(live(), counted=counted))


def stale(hours: float | None) -> Happening:
    def happen(bench: Bench) -> None:
        bench.limits = GuardLimits(max_source_age=timedelta(hours=36))
        updated = None if hours is None else bench.now - timedelta(hours=hours)
        sent(bench, bench.build(live(), updated_at=updated))

    return happen


def suppressed(suppressions: Suppressions) -> Happening:
    return lambda bench: sent(bench, bench.build(live(), suppressions=suppressions))


def limited(limits: GuardLimits, rows: Callable[[], pl.DataFrame]) -> Happening:
    def happen(bench: Bench) -> None:
        bench.limits = limits
        sent(bench, bench.build(rows()))

    return happen


def built(happen: Callable[[Bench, Listed], None], rows: Callable[[], pl.DataFrame] = live) -> Happening:
    """Something happens to a list after it was built, or around it."""
    return lambda bench: happen(bench, bench.build(rows()))


def changed_bytes(edit: Callable[[bytes], bytes]) -> Happening:
    def happen(bench: Bench, listed: Listed) -> None:
        listed[0].write_bytes(edit(listed[0].read_bytes()))
        sent(bench, listed)

    return built(happen)


def half() -> pl.DataFrame:
    return people(0, LIVE_ROWS // 2)


def approved(then: Callable[[Bench, Listed], None], rows: Callable[[], pl.DataFrame] = half) -> Happening:
    """Somebody approved of today's list, which is half of yesterday's, and then this happens."""

    def happen(bench: Bench) -> None:
        listed = bench.build(rows())
        bench.approve(listed)
        then(bench, listed)

    return happen


def _another_file(bench: Bench, _: Listed) -> None:
    bench.later(hours=1)
    sent(bench, bench.build(people(0, LIVE_ROWS // 2 + 1)))


def _expired(bench: Bench, listed: Listed) -> None:
    bench.later(hours=25)
    sent(bench, listed)


def _used(bench: Bench, listed: Listed) -> None:
    (standing,) = bench.approvals.history("lapsed", bench.account)
    bench.approvals.use(standing, bench.now)
    sent(bench, listed)


def _other_audience(bench: Bench, _: Listed) -> None:
    listed = bench.build(people(10_000, 10_000 + LIVE_ROWS // 2), "vip")
    bench.approve(listed, "lapsed")
    sent(bench, listed, "vip")


def _other_account(bench: Bench, listed: Listed) -> None:
    for file in (bench.home / "approvals").rglob("*.json"):
        file.unlink()
    bench.approve(listed, account=OTHER_ACCOUNT)
    sent(bench, listed)


def _approvals_damaged(bench: Bench, listed: Listed) -> None:
    for file in (bench.home / "approvals").rglob("*.json"):
        file.write_text("{")
    sent(bench, listed)


def _approved_empty(bench: Bench, listed: Listed) -> None:
    sent(bench, listed)


def _history_deleted(bench: Bench, listed: Listed) -> None:
    for folder in (bench.list_folder / "lapsed").iterdir():
        if "2026-01-05" in folder.name:
            for file in folder.iterdir():
                file.unlink()
    sent(bench, listed)


def _old_manifest_damaged(bench: Bench, listed: Listed) -> None:
    for file in (bench.list_folder / "lapsed").glob("*05*/manifest.json"):
        file.write_text("{}")
    sent(bench, listed)


def _old_list_damaged(bench: Bench, listed: Listed) -> None:
    for file in (bench.list_folder / "lapsed").glob("*05*/*.csv"):
        file.write_bytes(b"\x00" * 1000)
    sent(bench, listed)


def _journal_damaged(bench: Bench, listed: Listed) -> None:
    for file in (bench.home / "journal").rglob("lapsed.json"):
        file.write_text('{"format": 3')
    sent(bench, listed)


def _journal_lost(bench: Bench, listed: Listed) -> None:
    for file in (bench.home / "journal").rglob("lapsed.json"):
        file.unlink()
    sent(bench, listed)


def _home_of_another(bench: Bench, listed: Listed) -> None:
    for file in (bench.home / "journal").rglob("lapsed.json"):
        entry = json.loads(file.read_text())
        entry["file_sha256"] = "0" * 64
        file.write_text(json.dumps(entry))
    sent(bench, listed)


def _swapped(audience: str, first: int) -> Happening:
    return lambda bench: sent(bench, bench.build(people(first, first + LIVE_ROWS), audience), audience)


def _nearly_swapped(bench: Bench) -> None:
    bench.limits = GuardLimits(max_churn=1.0)
    sent(bench, bench.build(pl.concat([people(10_000, 11_900), people(0, 100)])))


def _in_other_account(bench: Bench) -> None:
    bench.account = OTHER_ACCOUNT
    sent(bench, bench.build(live()))


def _guard_breaks(bench: Bench, listed: Listed) -> None:
    def broken() -> DigestSet:
        raise ZeroDivisionError

    bench.erased = broken
    sent(bench, listed)


def _clock_breaks(bench: Bench, listed: Listed) -> None:
    def broken() -> None:
        raise OverflowError

    bench.send(listed, now=broken)


def _unreadable_home(bench: Bench, listed: Listed) -> None:
    file = next((bench.home / "journal").rglob("lapsed.json"))
    file.unlink()
    file.mkdir()
    sent(bench, listed)


def _erased(bench: Bench, listed: Listed) -> None:
    bench.erased = lambda: DigestSet.of(digest(pl.Series(["person7@example.com"])))
    sent(bench, listed)


def _older(bench: Bench) -> None:
    bench.now -= timedelta(days=8)
    listed = bench.build(live())
    bench.later(days=9)
    sent(bench, listed)


def _from_the_future(bench: Bench) -> None:
    bench.later(days=30)
    listed = bench.build(live())
    bench.later(days=-29)
    sent(bench, listed)


def _tomorrows_half(bench: Bench) -> None:
    """Two steps: a loss that is within the limit, then the same again, judged against what was accepted."""
    bench.limits = GuardLimits(max_shrink=0.3)
    listed = bench.build(people(0, 1_500))
    bench.later(hours=1)
    sent(bench, bench.build(people(0, 1_399)))
    sent(bench, listed)


def _no_file(bench: Bench, listed: Listed) -> None:
    listed[0].unlink()
    sent(bench, listed)


def _of_another_audience(bench: Bench) -> None:
    listed = bench.build(people(10_000, 10_000 + LIVE_ROWS), "vip")
    sent(bench, listed, "lapsed")


def _rules_of_another_version(bench: Bench) -> None:
    """Every digest differs: as if another normalization had been used."""
    sent(bench, bench.build(live().with_columns(pl.col("email").str.replace("@", "+x@"), phone=None, device_id=None)))


def _linked_elsewhere(bench: Bench, listed: Listed) -> None:
    other = listed[0].with_name("other.csv")
    other.write_bytes(b"EMAIL_ID_SHA256\n")
    listed[0].unlink()
    listed[0].symlink_to(other)
    sent(bench, listed)


def _statement(bench: Bench, listed: Listed) -> None:
    """The manifest claims more rows than the file has."""
    file, manifest = listed
    sent(bench, (file, replace(manifest, list_rows=manifest.list_rows + 1, rows_added_by_fan_out=1)))


NO_TEXT = pl.lit(None, dtype=pl.String)
SCENARIOS: tuple[Scenario, ...] = (
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
    Scenario("W01", "somebody approved of an empty list", approved(_approved_empty, lambda: people(0, 0)), "empty"),
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
    Scenario("W02", "the second of two losses in a row", _tomorrows_half, "shrink"),
    Scenario(
        "W02", "a tighter limit is kept", limited(GuardLimits(max_shrink=0.05), lambda: people(0, 1_899)), "shrink"
    ),
    Scenario("W03", "all people are others", segment(lambda: people(20_000, 22_000)), "churn"),
    Scenario("W03", "61 % are others", segment(lambda: people(1_221, 3_221)), "churn"),
    Scenario("W03", "a test database was read", segment(lambda: people(90_000, 92_200)), "churn"),
    Scenario("W03", "every identifier is normalized otherwise", _rules_of_another_version, "churn"),
    Scenario(
        "W03", "a tighter limit is kept", limited(GuardLimits(max_churn=0.1), lambda: people(201, 2_201)), "churn"
    ),
    Scenario("W03", "shrunk within the limit, and exchanged", segment(lambda: people(20_000, 21_500)), "churn"),
    Scenario("W04", "ten times as many people", segment(lambda: people(0, 20_000)), "growth"),
    Scenario("W04", "the segment lost its WHERE", segment(lambda: people(0, 6_001)), "growth"),
    Scenario(
        "W04", "a tighter limit is kept", limited(GuardLimits(max_growth=0.1), lambda: people(0, 2_201)), "growth"
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
    Scenario("W08", "the list before was deleted", built(_history_deleted), "history"),
    Scenario("W08", "the manifest of the list before is damaged", built(_old_manifest_damaged), "history"),
    Scenario("W08", "the list before is damaged", built(_old_list_damaged), "history"),
    Scenario("W08", "the journal is damaged", built(_journal_damaged), "damaged"),
    Scenario("W08", "the journal is lost, and Spotify has the audience", built(_journal_lost)),
    Scenario("W08", "the journal is of another machine", built(_home_of_another), "history"),
    Scenario("W08", "the first list ever is too short", segment(lambda: people(0, 999)), "minimum", first=True),
    Scenario("W09", "no guard is configured", limited(GuardLimits(), half), "shrink"),
    Scenario("W10", "an approval, and another file", approved(_another_file), "shrink"),
    Scenario("W10", "an approval that has expired", approved(_expired), "shrink"),
    Scenario("W10", "an approval that was used", approved(_used), "shrink"),
    Scenario("W10", "the approvals are damaged", approved(_approvals_damaged)),
    Scenario("W11", "an approval of another audience", approved(_other_audience), "shrink"),
    Scenario("W11", "an approval for another ad account", approved(_other_account), "shrink"),
    Scenario("W12", "999 people of 1,400", limited(GuardLimits(max_shrink=0.9), lambda: people(0, 999)), "minimum"),
    Scenario("W13", "a guard breaks", built(_guard_breaks), "ZeroDivisionError"),
    Scenario("W13", "the clock breaks", built(_clock_breaks), "OverflowError"),
    Scenario("W13", "the journal cannot be read", built(_unreadable_home)),
    Scenario("W15", "the segment of vip is sent to lapsed", _swapped("lapsed", 10_000), "swapped segments"),
    Scenario("W15", "the segment of lapsed is sent to vip", _swapped("vip", 0), "swapped segments"),
    Scenario("W15", "nearly the segment of vip, with a wide churn limit", _nearly_swapped, "swapped segments"),
    Scenario("W16", "another ad account is configured", _in_other_account, "ad account"),
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
    Scenario("P13", "somebody who asked to be forgotten is in it", built(_erased), "erased people"),
    Scenario("P10", "an e-mail address stands in the file", changed_bytes(lambda b: b + b"a@example.com,,\n")),
    Scenario("P10", "the file was cut", changed_bytes(lambda b: b[: len(b) // 2])),
    Scenario("P10", "the file is empty", changed_bytes(lambda _: b"")),
    Scenario("P10", "digests are in capitals", changed_bytes(lambda b: b.upper())),
    Scenario("P10", "one bit of the file flipped", changed_bytes(lambda b: b[:-2] + bytes([b[-2] ^ 1]) + b[-1:])),
    Scenario("P10", "the file is gone", built(_no_file)),
    Scenario("P10", "the file is a link to a shorter one", built(_linked_elsewhere)),
    Scenario("P10", "the manifest claims another number of rows", built(_statement)),
    Scenario(
        "own",
        "the file is larger than Spotify takes",
        limited(GuardLimits(max_bytes=10_000), live),
        "oversize",
    ),
    Scenario("own", "a list older than the one at Spotify", _older),
    Scenario("own", "a list from the future", _from_the_future, "clock"),
    Scenario("own", "the list of vip is handed to lapsed", _of_another_audience),
)
