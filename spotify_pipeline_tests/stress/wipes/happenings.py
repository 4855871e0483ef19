"""What happens to a segment, to a list or to a machine: the makings of scenarios."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import polars as pl

from spotify_pipeline.identity import digest
from spotify_pipeline.mirror.guards import GuardLimits, guard_limits
from spotify_pipeline.rows import DigestSet, Suppressions
from spotify_pipeline.state.tables import approval
from spotify_pipeline_tests.state_edits import damage, keep, lose
from spotify_pipeline_tests.stress.wipes.bench import LIVE_ROWS, OTHER_ACCOUNT, Bench, Listed, people

Happening = Callable[[Bench], None]


NO_TEXT = pl.lit(None, dtype=pl.String)


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
        bench.limits = guard_limits(max_source_age=timedelta(hours=36))
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
    """Somebody approved today's list, which is half of yesterday's, and then this happens."""

    def happen(bench: Bench) -> None:
        listed = bench.build(rows())
        bench.approve(listed)
        then(bench, listed)

    return happen


def another_file(bench: Bench, _: Listed) -> None:
    bench.later(hours=1)
    sent(bench, bench.build(people(0, LIVE_ROWS // 2 + 1)))


def expired(bench: Bench, listed: Listed) -> None:
    bench.later(hours=25)
    sent(bench, listed)


def used(bench: Bench, listed: Listed) -> None:
    (standing,) = bench.approvals.history("lapsed", bench.account)
    bench.approvals.use(standing, bench.now)
    sent(bench, listed)


def other_audience(bench: Bench, _: Listed) -> None:
    listed = bench.build(people(10_000, 10_000 + LIVE_ROWS // 2), "vip")
    bench.approve(listed, "lapsed")
    sent(bench, listed, "vip")


def other_account(bench: Bench, listed: Listed) -> None:
    with bench.state.begin() as transaction:
        transaction.execute(approval.delete())
    bench.approve(listed, account=OTHER_ACCOUNT)
    sent(bench, listed)


def approvals_damaged(bench: Bench, listed: Listed) -> None:
    with bench.state.begin() as transaction:
        transaction.execute(approval.update().values(content="{"))
    sent(bench, listed)


def approved_empty(bench: Bench, listed: Listed) -> None:
    sent(bench, listed)


def history_deleted(bench: Bench, listed: Listed) -> None:
    for folder in (bench.list_folder / "lapsed").iterdir():
        if "2026-01-05" in folder.name:
            for file in folder.iterdir():
                file.unlink()
    sent(bench, listed)


def old_manifest_damaged(bench: Bench, listed: Listed) -> None:
    for file in (bench.list_folder / "lapsed").glob("*05*/manifest.json"):
        file.write_text("{}")
    sent(bench, listed)


def old_list_damaged(bench: Bench, listed: Listed) -> None:
    for file in (bench.list_folder / "lapsed").glob("*05*/*.csv"):
        file.write_bytes(b"\x00" * 1000)
    sent(bench, listed)


def journal_damaged(bench: Bench, listed: Listed) -> None:
    damage(bench.journal, "lapsed", bench.account, '{"format": 4')
    sent(bench, listed)


def journal_lost(bench: Bench, listed: Listed) -> None:
    lose(bench.journal, "lapsed")
    sent(bench, listed)


def home_of_another(bench: Bench, listed: Listed) -> None:
    entry = bench.journal.read("lapsed", bench.account)
    keep(bench.journal, "lapsed", replace(entry, file_sha256="0" * 64))
    sent(bench, listed)


def swapped(audience: str, first: int) -> Happening:
    return lambda bench: sent(bench, bench.build(people(first, first + LIVE_ROWS), audience), audience)


def nearly_swapped(bench: Bench) -> None:
    bench.limits = guard_limits(max_churn=1.0)
    sent(bench, bench.build(pl.concat([people(10_000, 11_900), people(0, 100)])))


def in_other_account(bench: Bench) -> None:
    bench.account = OTHER_ACCOUNT
    sent(bench, bench.build(live()))


def guard_breaks(bench: Bench, listed: Listed) -> None:
    def broken() -> DigestSet:
        raise ZeroDivisionError

    bench.erased = broken
    sent(bench, listed)


def clock_breaks(bench: Bench, listed: Listed) -> None:
    def broken() -> None:
        raise OverflowError

    bench.send(listed, now=broken)


def unreadable_home(bench: Bench, listed: Listed) -> None:
    (bench.home / "state.sqlite").unlink()
    (bench.home / "state.sqlite").mkdir()
    sent(bench, listed)


def erased(bench: Bench, listed: Listed) -> None:
    bench.erased = lambda: DigestSet.of(digest(pl.Series(["person7@example.com"])))
    sent(bench, listed)


def older(bench: Bench) -> None:
    bench.now -= timedelta(days=8)
    listed = bench.build(live())
    bench.later(days=9)
    sent(bench, listed)


def from_the_future(bench: Bench) -> None:
    bench.later(days=30)
    listed = bench.build(live())
    bench.later(days=-29)
    sent(bench, listed)


def tomorrows_half(bench: Bench) -> None:
    """Two steps: a loss that is within the limit, then the same again, judged against what was accepted."""
    bench.limits = guard_limits(max_shrink=0.3)
    listed = bench.build(people(0, 1_500))
    bench.later(hours=1)
    sent(bench, bench.build(people(0, 1_399)))
    sent(bench, listed)


def no_file(bench: Bench, listed: Listed) -> None:
    listed[0].unlink()
    sent(bench, listed)


def of_another_audience(bench: Bench) -> None:
    listed = bench.build(people(10_000, 10_000 + LIVE_ROWS), "vip")
    sent(bench, listed, "lapsed")


def rules_of_another_version(bench: Bench) -> None:
    """Every digest differs: as if another normalization had been used."""
    sent(bench, bench.build(live().with_columns(pl.col("email").str.replace("@", "+x@"), phone=None, device_id=None)))


def linked_elsewhere(bench: Bench, listed: Listed) -> None:
    other = listed[0].with_name("other.csv")
    other.write_bytes(b"EMAIL_ID_SHA256\n")
    listed[0].unlink()
    listed[0].symlink_to(other)
    sent(bench, listed)


def statement(bench: Bench, listed: Listed) -> None:
    """The manifest claims more rows than the file has."""
    file, manifest = listed
    sent(bench, (file, replace(manifest, list_rows=manifest.list_rows + 1, rows_added_by_fan_out=1)))
