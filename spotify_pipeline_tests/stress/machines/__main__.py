"""Kill, stop, overtake and double runs of machines that share a database and a bucket, and print what came of it.

python -m spotify_pipeline_tests.stress.machines [kills] [large] [stops] [retries] [tokens] [--trials 100] [--every 3]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from spotify_pipeline_tests.stress.machines.beside import retry_beside
from spotify_pipeline_tests.stress.machines.grant import EXPIRIES, HOUR, refresh_together
from spotify_pipeline_tests.stress.machines.killed import kill_large, kill_small
from spotify_pipeline_tests.stress.machines.overtaken import SITUATIONS, Overtaken, stop_at_each
from spotify_pipeline_tests.stress.machines.trials import Tally
from spotify_pipeline_tests.stress.machines.world import QUANTUM, World, world

PARTS = ("kills", "large", "stops", "retries", "tokens")
KILLS, STOPS = 100, 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], metavar="part", help=", ".join(PARTS))
    parser.add_argument("--trials", type=int, default=KILLS, help="lists of 4 MiB whose runs are killed")
    parser.add_argument("--every", type=int, default=STOPS, help="stop at every so many boundaries")
    given = parser.parse_args()
    chosen, right = given.parts or PARTS, []
    with world() as shared:
        if {"kills", "large", "retries"} & set(chosen):
            right += [_tallies(shared, chosen, given.trials)]
        if "stops" in chosen:
            right += [_stops(shared, given.every)]
        if "tokens" in chosen:
            right += [_tokens(shared)]
    if not all(right):
        sys.exit("not everything survived")


def _tallies(shared: World, chosen: Sequence[str], trials: int) -> bool:
    heads = ("lists", "broken", "resumed", "lost", "doubled", "wrong bytes", "receipts wrong", "most sent again")
    say("\n== One list, several machines ==\n")
    say(f"{'':20}{'  '.join(heads)}  {'of a chunk':>10}  {'seconds':>7}")
    done: list[Tally] = []
    for part, tallied in (
        ("kills", lambda: kill_small(shared, trials)),
        ("large", lambda: kill_large(shared)),
        ("retries", lambda: retry_beside(shared, 20)),
        ("retries", lambda: retry_beside(shared, 20, fails_over=True)),
    ):
        if part not in chosen:
            continue
        each = tallied()
        done.append(each)
        figures = (each.trials, each.broken, each.resumed, each.lost, each.doubled, each.wrong_bytes)
        figures = (*figures, each.receipts_wrong, each.most_sent_again)
        cells = (f"{figure:{len(head)},d}" for head, figure in zip(heads, figures, strict=True))
        say(f"{each.name:20}{'  '.join(cells)}  {each.chunk_bytes:10,d}  {each.seconds:7.0f}")
        for story in each.stories:
            say(f"    {story}")
    say("\nbroken: runs that were killed with their machine's disk, or whose database ended its sessions.")
    return all(each.right for each in done)


def _stops(shared: World, every: int) -> bool:
    heads = ("stopped", "wrote to Spotify", "to the state", "ended otherwise", "most requests")
    say("\n== Stopped (SIGSTOP), overtaken by a newer list, continued ==\n")
    say(f"{'':36}{'  '.join(heads)}  {'seconds':>7}")
    done: list[Overtaken] = []
    for situation in SITUATIONS:
        for chunk_bytes in (QUANTUM, None):
            each = stop_at_each(shared, situation, chunk_bytes=chunk_bytes, every=every)
            done.append(each)
            figures = (each.trials, each.wrote_to_spotify, each.wrote_to_the_state, each.untyped, each.requests)
            cells = (f"{figure:{len(head)},d}" for head, figure in zip(heads, figures, strict=True))
            say(f"{each.name:36}{'  '.join(cells)}  {each.seconds:7.0f}")
            for story in each.stories:
                say(f"    {story}")
    errors = {name: sum(each.errors.get(name, 0) for each in done) for each in done for name in each.errors}
    say(f"\nThey ended with {', '.join(f'{name} ({count})' for name, count in sorted(errors.items()))}.")
    return all(each.right for each in done)


def _tokens(shared: World) -> bool:
    raced = refresh_together(shared)
    right = raced.calls == [1] * EXPIRIES and raced.answers == [1] * EXPIRIES and not raced.dead_grants
    say("\n== Two machines, one sign-in ==\n")
    say(
        f"{len(raced.calls)} expiries in {HOUR / 3600:.0f} simulated hour: {sum(raced.calls)} token calls, at most "
        f"{max(raced.calls)} for one; {raced.dead_grants} dead grants; both had the same token "
        f"{raced.answers.count(1)} times; {raced.seconds:.0f} s"
    )
    return right


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
