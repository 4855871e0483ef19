"""What would wipe a live audience, what a company means and approves, and a year of ordinary days, as tables.

python -m spotify_pipeline_tests.stress.wipes [--days 365]
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from spotify_pipeline_tests.stress.wipes.bench import live_lists
from spotify_pipeline_tests.stress.wipes.judged import Ending, changes, wipes
from spotify_pipeline_tests.stress.wipes.year import Year, years


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=365, help="days of the simulated year")
    days = parser.parse_args().days
    logging.getLogger("spotify_pipeline").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with live_lists(folder) as live:
            blocked = shown("What would wipe, halve or swap a live audience", wipes(live))
            approved = shown("What a company means: blocked, then sent with a one-shot approval", changes(live))
        calendar = list(years(folder / "years", days=days))
    print_years(calendar)
    wrong = [each for each in (*blocked, *approved) if each.wrong]
    syncs, false = sum(each.syncs for each in calendar), sum(len(each.false_blocks) for each in calendar)
    missed = [line for each in calendar for line in each.missed]
    say(
        f"\n{len(blocked)} wipes, {sum(each.writes for each in blocked)} writes at Spotify. {len(approved)} changes, "
        f"each sent once approved. {syncs:,} daily syncs: {false} blocked falsely ({false / syncs:.2%}); "
        f"{sum(each.disasters for each in calendar)} disasters on those days, {len(missed)} missed."
    )
    for each in wrong:
        say(f"WRONG: {each.name}: {each.wrong}. {each.sentence}")
    if wrong or missed or false > syncs / 100:
        sys.exit(1)


def shown(title: str, endings: Iterable[Ending]) -> list[Ending]:
    """Print them as they end."""
    say(f"\n== {title} ==\n")
    done: list[Ending] = []
    for each in endings:
        done.append(each)
        wrong = f"  WRONG: {each.wrong}" if each.wrong else ""
        say(f"{each.code:4}{each.name:52}{each.writes:3} writes  {each.by}{wrong}")
    return done


def print_years(calendar: list[Year]) -> None:
    say("\n== A year of daily syncs ==\n")
    for each in calendar:
        say(
            f"{each.audience:14}{each.syncs:5} syncs {len(each.false_blocks):4} blocked falsely "
            f"{each.disasters:4} disasters {len(each.missed):3} missed"
        )
        for line in (*each.false_blocks, *each.missed):
            say(f"    {line}")


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
