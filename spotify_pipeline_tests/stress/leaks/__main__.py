"""Play every run of the leak scan and print what was looked through, and what was found.

Each run is played twice: on one machine, with its state in a file and its lists in a folder; and as machines share
them, in PostgreSQL and a bucket.

python -m spotify_pipeline_tests.stress.leaks [--store file|shared] [run] [run] ...
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
from itertools import product
from pathlib import Path

from rich.console import Console
from rich.table import Table

from spotify_pipeline_tests.stress.leaks import conversion_runs, privacy_runs
from spotify_pipeline_tests.stress.leaks.canaries import canaries
from spotify_pipeline_tests.stress.leaks.needles import needles_of_addresses, needles_of_people
from spotify_pipeline_tests.stress.leaks.runs import RUNS, watched

STORES = ["file", "shared"]
REGISTERED = (privacy_runs.VIEWS, conversion_runs.TOKEN)
"""The runs of a module are in the registry once it is imported."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="*", choices=[[], *RUNS], metavar="run", help=", ".join(RUNS))
    parser.add_argument("--store", choices=STORES, help="Play the runs on this one only.")
    asked = parser.parse_args()
    chosen, stores = asked.runs or list(RUNS), [asked.store] if asked.store else STORES
    table = Table("run", "store", "seconds", "looks while it ran", "files", "MB looked through", "findings")
    found: list[str] = []
    for name, store in product(chosen, stores):
        began = time.monotonic()
        sys.stderr.write(f"{name}, {store}\n")
        try:
            with tempfile.TemporaryDirectory(prefix="leaks-") as folder:
                watch = watched(name, Path(folder) / "deployment", is_shared=store == "shared")
        except AssertionError:  # what was found in the others is worth its time
            traceback.print_exc()
            found.append(f"{name}, {store}: did not come about")
            continue
        found += [f"{name}, {store}: {leak}" for leak in sorted(watch.leaks)]
        table.add_row(
            name,
            store,
            f"{time.monotonic() - began:.0f}",
            str(watch.looks),
            str(len(watch.seen)),
            f"{watch.bytes / 1e6:.0f}",
            str(len(watch.leaks)),
        )
    console = Console()
    console.print(table)
    needles = [*needles_of_people(), *needles_of_addresses()]
    forms = len({each.form for each in needles})
    console.print(
        f"{len(chosen)} runs on {' and '.join(stores)}, {len(canaries()):,} canaries, in {forms} forms as "
        f"{len(needles)} patterns, besides digests and the deployment's own secrets; {len(found)} findings."
    )
    for leak in found:
        console.print(leak, markup=False)
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
