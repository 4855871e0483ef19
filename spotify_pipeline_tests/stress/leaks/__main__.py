"""Play every run of the leak scan and print what was looked through, and what was found.

python -m spotify_pipeline_tests.stress.leaks [run] [run] ...
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from spotify_pipeline_tests.stress.leaks import conversion_runs, privacy_runs
from spotify_pipeline_tests.stress.leaks.canaries import canaries
from spotify_pipeline_tests.stress.leaks.needles import needles_of_addresses, needles_of_people
from spotify_pipeline_tests.stress.leaks.runs import RUNS, watched

REGISTERED = (privacy_runs.VIEWS, conversion_runs.TOKEN)
"""The runs of a module are in the registry once it is imported."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="*", choices=[[], *RUNS], metavar="run", help=", ".join(RUNS))
    chosen = parser.parse_args().runs or list(RUNS)
    table = Table("run", "seconds", "looks while it ran", "files", "MB looked through", "findings")
    found: list[str] = []
    for name in chosen:
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="leaks-") as folder:
            watch = watched(name, Path(folder) / "deployment")
        found += [f"{name}: {leak}" for leak in sorted(watch.leaks)]
        table.add_row(
            name,
            f"{time.monotonic() - began:.0f}",
            str(watch.looks),
            str(len(watch.seen)),
            f"{watch.bytes / 1e6:.0f}",
            str(len(watch.leaks)),
        )
    console = Console()
    console.print(table)
    needles = [*needles_of_people(), *needles_of_addresses()]
    console.print(
        f"{len(chosen)} runs, {len(canaries()):,} canaries, in {len({each.form for each in needles})} forms as "
        f"{len(needles)} patterns, besides digests and the deployment's own secrets; {len(found)} findings."
    )
    for leak in found:
        console.print(leak, markup=False)
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
