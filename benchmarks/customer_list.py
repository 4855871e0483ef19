"""Building a customer list: time and peak memory at two sizes, against two ways anybody would write first.

    python -m benchmarks.customer_list [--rows 250000 2500000]

Each measurement is a process of its own, so its peak is its own. The product normalizes a made segment (consent, two
e-mail columns, phones, device ids, dirt and duplicates), builds the list and verifies it, once step by step, once end
to end. The alternatives start from the product's normalized identifiers and must write the same bytes:

* ``naive Polars``: the whole table in memory, explode, hash, distinct, sort, write;
* ``plain Python``: rows one by one, hashlib, a set, sorted, csv.

Compare ratios, not seconds: the machine differs. Imports stand in functions, for the parent must stay small: on Linux
the peak of a new process starts from its parent's.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BATCH = 65_536
TYPES = ("email", "phone", "device_id")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[250_000, 2_500_000])
    parser.add_argument("--only-product", action="store_true", help="leave the alternatives out")
    parser.add_argument("--measure", nargs=3, metavar=("WHAT", "ROWS", "FOLDER"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        what, rows, folder = arguments.measure
        print(json.dumps(measured(what, int(rows), Path(folder))))
        return
    peaks = [compare(rows, alternatives=not arguments.only_product) for rows in arguments.rows]
    if len(peaks) > 1:
        growth = peaks[-1] / peaks[0]
        print(f"\npeak memory end to end, {arguments.rows[-1]:,} against {arguments.rows[0]:,} rows: x{growth:.2f}")


def compare(rows: int, *, alternatives: bool) -> float:
    """Measure and print one size; the peak of the product end to end in MB."""
    print(f"\n{rows:,} rows of the segment", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bare = run("nothing", rows, folder)
        line("imports alone", bare)
        line("the segment made, not used", run("segment", rows, folder))
        line("normalize (stage one)", run("normalize", rows, folder))
        build = run("build", rows, folder)
        line("build the list (stage two)", build)
        line("verify", run("verify", rows, folder))
        whole = run("end to end", rows, folder)
        line("end to end in one process", whole)
        print(f"  {build['list_rows']:,} list rows, {build['bytes'] / 1e6:,.0f} MB")
        for what in ("naive Polars", "plain Python") if alternatives else ():
            other = run(what, rows, folder)
            assert other["sha256"] == build["sha256"], f"{what} wrote another list"
            ratio = f"x{other['seconds'] / build['seconds']:.1f} time, x{other['peak'] / build['peak']:.1f} memory"
            line(f"{what}, the same bytes", other, f"{ratio} of the product's build")
    return whole["peak"]


def run(what: str, rows: int, folder: Path) -> dict:
    command = [sys.executable, __file__, "--measure", what, str(rows), str(folder)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def line(label: str, result: dict, remark: str = "") -> None:
    figures = f"{result['seconds']:8.2f} s {result['cpu']:8.2f} s of processor {result['peak']:8.0f} MB"
    print(f"  {label:32s} {figures}   {remark}", flush=True)


def measured(what: str, rows: int, folder: Path) -> dict:
    """Run one step in this process; its time without imports, and the peak of the whole process in MB."""
    step = STEPS[what]
    import spotify_pipeline.customer_list as imported

    assert imported
    started, busy = time.perf_counter(), time.process_time()
    result = step(rows, folder)
    seconds, busy = time.perf_counter() - started, time.process_time() - busy
    kilobyte = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * kilobyte / 1e6
    return {**result, "seconds": seconds, "cpu": busy, "peak": peak}


def nothing(_rows: int, _folder: Path) -> dict:
    return {}


def segment(rows: int):
    """A made segment, a batch at a time: 4 % without consent, 3 % duplicates, 5 % second e-mails, some dirt."""
    import polars as pl

    for start in range(0, rows, BATCH):
        count = min(BATCH, rows - start)
        number = pl.int_range(start, start + count, dtype=pl.Int64)
        person = pl.when(number % 100 < 3).then(number // 2).otherwise(number)
        hexed = (person * 2_654_435_761 % 4_294_967_296).cast(pl.String).str.zfill(10)
        yield pl.select(
            email=pl.when(number % 50 == 7)
            .then(pl.lit("not an address"))
            .otherwise(pl.format("  Person.{}@Example.com\n", person)),
            billing_email=pl.when(number % 20 == 3).then(pl.format("p{}@example.org", person)),
            phone=pl.when(number % 3 == 0)
            .then(pl.format("070-{}", (person % 10_000_000).cast(pl.String).str.zfill(7)))
            .when(number % 3 == 1)
            .then(pl.format("+1 (202) {}", (5_550_000 + person % 10_000).cast(pl.String))),
            country=pl.when(number % 3 == 0).then(pl.lit("SE")),
            idfa=pl.when(number % 2 == 0).then(pl.format("EA7583CD-A667-48BC-B806-42{}", hexed)),
            consent=number % 25 != 0,
        )


def make_segment(rows: int, _folder: Path) -> dict:
    return {"rows": sum(batch.height for batch in segment(rows))}


def normalize(rows: int, folder: Path) -> dict:
    from spotify_pipeline.customer_list import write_identifiers
    from spotify_pipeline.identity import DeviceId, Email, Phone
    from spotify_pipeline.rows import IdentifierColumns, IdentifierPlan

    plan = IdentifierPlan(
        identifiers={
            "email": IdentifierColumns(kind=Email(), columns=("email", "billing_email")),
            "phone": IdentifierColumns(kind=Phone(region_column="country"), columns=("phone",)),
            "device_id": IdentifierColumns(kind=DeviceId(), columns=("idfa",)),
        },
        consent_column="consent",
    )
    report = write_identifiers(segment(rows), plan, folder / "identifiers.parquet", expected_rows=rows)
    return {"rows": report.rows_kept}


def build(_rows: int, folder: Path) -> dict:
    from datetime import UTC, datetime

    from spotify_pipeline.customer_list import Layout, build_customer_list, read_report

    identifiers = folder / "identifiers.parquet"
    manifest = build_customer_list(
        identifiers,
        read_report(identifiers),
        folder / "customer_list.csv",
        layout=Layout.WIDE,
        audience="benchmark",
        snapshot="once",
        built_at=datetime.now(UTC),
    )
    return {"list_rows": manifest.list_rows, "bytes": manifest.bytes, "sha256": manifest.sha256}


def verify(_rows: int, folder: Path) -> dict:
    from spotify_pipeline.customer_list import Manifest, verify_customer_list

    manifest = Manifest.from_json((folder / "manifest.json").read_text())
    verify_customer_list(folder / "customer_list.csv", manifest)
    return {}


def end_to_end(rows: int, folder: Path) -> dict:
    normalize(rows, folder)
    built = build(rows, folder)
    verify(rows, folder)
    return built


def naive_polars(_rows: int, folder: Path) -> dict:
    import polars as pl

    from spotify_pipeline.identity import digest

    table = pl.read_parquet(folder / "identifiers.parquet").explode("email", empty_as_null=True)
    digests = table.select(digest(table[name]).alias(name) for name in TYPES).unique()
    ordered = digests.sort([pl.coalesce(TYPES), *TYPES])
    path = folder / "naive.csv"
    names = dict(zip(TYPES, ("EMAIL_ID_SHA256", "PHONE_NUMBER_SHA256", "DEVICE_ID_SHA256"), strict=True))
    ordered.rename(names).write_csv(path)
    return {"sha256": file_sha256(path)}


def plain_python(_rows: int, folder: Path) -> dict:
    import csv
    import hashlib
    import itertools

    import pyarrow.parquet as pq

    def hexed(value):
        return hashlib.sha256(value.encode()).hexdigest() if value else ""

    distinct = set()
    for batch in pq.ParquetFile(folder / "identifiers.parquet").iter_batches(BATCH):
        for row in batch.to_pylist():
            distinct.update(
                itertools.product(
                    [hexed(value) for value in row["email"] or [""]], [hexed(row["phone"])], [hexed(row["device_id"])]
                )
            )
    path = folder / "plain.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["EMAIL_ID_SHA256", "PHONE_NUMBER_SHA256", "DEVICE_ID_SHA256"])
        writer.writerows(sorted(distinct, key=lambda row: (next(filter(None, row)), row)))
    return {"sha256": file_sha256(path)}


def file_sha256(path: Path) -> str:
    import hashlib

    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


STEPS = {
    "nothing": nothing,
    "segment": make_segment,
    "normalize": normalize,
    "build": build,
    "verify": verify,
    "end to end": end_to_end,
    "naive Polars": naive_polars,
    "plain Python": plain_python,
}

if __name__ == "__main__":
    main()
