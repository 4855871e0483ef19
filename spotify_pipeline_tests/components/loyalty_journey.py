"""A process in which a distribution's type of identifier goes the whole way: `python -m` this module.

It tells on standard output, as JSON, what came of each step.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
from typer.testing import CliRunner

from spotify_pipeline.cli.app import app
from spotify_pipeline.components.conversions import find_feeds
from spotify_pipeline.conversions import validate_events
from spotify_pipeline.conversions.outbox.erasure_filter import identifiers_in
from spotify_pipeline_tests.components.feeds import FEED
from spotify_pipeline_tests.components.runs import PEOPLE, Deployment, definitions_of

MEMBERS = PEOPLE.replace("{email: email}", "{email: email, loyalty_id: {column: card, shop_column: shop}}")
ORDERS = FEED.replace("{email: email}", "{loyalty_id: [card, second_card]}")
NEVER = """
type: spotify_pipeline.SuppressionList
attributes:
  segment: {table: crm.never}
  identifiers: {loyalty_id: card}
"""


def command(*arguments: str, said: str = "") -> str:
    ran = CliRunner().invoke(app, arguments, input=said.encode())
    assert ran.exit_code == 0, ran.output
    return ran.output


def event_of(cards: list[str | None], event_id: str = "order-1") -> dict[str, object]:
    """The verdict on an order, and the body that would be sent."""
    now = datetime.now(UTC)
    (feed,) = find_feeds(definitions_of(FOLDERS))
    row = {"card": cards[0], "second_card": cards[1], "order_id": event_id, "total": 5, "agreed": True}
    rows = pl.DataFrame({**{name: [value] for name, value in row.items()}, "ordered_at": [now - timedelta(hours=1)]})
    verdict = validate_events(rows, feed.plan, now=now).row(0, named=True)
    body = json.loads(verdict["body"] or "{}")
    held = identifiers_in([(1, verdict["body"])]).rows() if verdict["body"] else []
    return {"state": verdict["state"], "reason": verdict["reason"], "user": body.get("user_data"), "held": held}


FOLDERS = {"people": MEMBERS, "orders": ORDERS, "never": NEVER}


def main() -> None:
    told: dict[str, object] = {"digest": command("digest", "--type", "loyalty_id", said="se-000001\nSE1\n")}
    told["built"] = Deployment(definitions_of(FOLDERS)).run("identifiers", "customer_list").success
    home = Path(os.environ["SPOTIFY_PIPELINE_HOME"])
    (built,) = home.glob("data/**/people/**/*.csv")
    told["list"] = built.read_text().splitlines()
    told["explain"] = command("explain", said="SE-000002\nloyalty_id: SE 000009\n").splitlines()
    told["forget"] = command("forget", "--yes", said="SE-000002\n").splitlines()
    told["list after"] = built.read_text().splitlines()
    told["event"] = event_of(["SE-000004", "no000005"])
    told["own card in an id"] = event_of(["SE-000004", None], event_id="sale/SE 000004")
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
