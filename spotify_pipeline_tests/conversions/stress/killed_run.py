"""A run of a feed in a process of its own, to be killed: reads a day and sends it, and notes what Spotify took.

Arguments: the home, a file to which each id that Spotify takes is added, the guarantee, and the state's URL or nothing,
and key.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from spotify_pipeline.conversions.delivery.deliver import DeliveryPlan, deliver
from spotify_pipeline.conversions.outbox.model import Guarantee
from spotify_pipeline_tests.conversions.outbox_making import MONDAY, NOON, TUESDAY, Place, orders, pending, state_at

EVENTS = 400


def main(home: str, taken: str, guarantee: str, url: str, key: str) -> None:
    place = Place(state_at(Path(home), url, key))
    kept = os.open(taken, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def send(bodies: Sequence[str]) -> None:
        ids = [str(json.loads(each)["event_id"]) for each in bodies]
        os.write(kept, "".join(f"{each}\n" for each in ids).encode())
        time.sleep(0.002)  # the answer is on its way

    plan = DeliveryPlan(batch_events=7, guarantee=Guarantee(guarantee))
    with place.open(guarantee=plan.guarantee) as outbox:
        print("open", flush=True)  # noqa: T201
        outbox.record(MONDAY, [pending(*orders(EVENTS // 2))], at=NOON)
        outbox.record(TUESDAY, [pending(*orders(EVENTS // 2, first=EVENTS // 2))], at=NOON)
        deliver(outbox, send, plan, clock=lambda: datetime.now(UTC))
    print("done", flush=True)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
