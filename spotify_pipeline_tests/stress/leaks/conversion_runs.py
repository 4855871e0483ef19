"""Runs of conversions: events are read, judged, sent, refused, sent again and accounted for."""

from __future__ import annotations

import json
import re
import stat
from datetime import UTC, date, datetime

from spotify_pipeline.conversions import DayAccount, view_outbox
from spotify_pipeline.sandbox import DEFAULTS
from spotify_pipeline_tests.stress.leaks.canaries import (
    DEVICE_STEMS,
    IP_STEM,
    MAIL_STEM,
    PHONE_STEMS,
    canaries,
    digests,
)
from spotify_pipeline_tests.stress.leaks.chain_process import Command, Step
from spotify_pipeline_tests.stress.leaks.events import (
    AT_MOST_ONCE,
    BROKEN,
    DAY,
    FEW,
    FEW_OTHERS,
    MISPLACED,
    SMALL_BATCHES,
    TELLING,
    feed,
    orders,
)
from spotify_pipeline_tests.stress.leaks.privacy_runs import printed
from spotify_pipeline_tests.stress.leaks.runs import a_run, said_back
from spotify_pipeline_tests.stress.leaks.stage import Stage

READ, SENT = ("validated_events",), ("delivery",)
TOKEN = Command(
    arguments=("conversions", "create-token", DEFAULTS.capi_connection_id, "--env-file", "capi.env"),
)
"""Whoever runs first has it made; all that come later find it in the file of variables."""


def all_of(feed: str, *also: str, partition: str = DAY, assets: tuple[str, ...] = (*READ, *SENT)) -> Step:
    """A run of a day of some feeds."""
    return Step(audience=feed, also=also, assets=assets, partition=partition)


def sent(feed: str, *faults: dict[str, object]) -> Step:
    """The delivery of what waits, while Spotify does this to it."""
    return Step(audience=feed, assets=SENT, partition=DAY, faults=faults)


def command(name: str, feed: str) -> Command:
    """A command of the group `conversions` on a feed."""
    return Command(arguments=("conversions", name, feed))


def account(stage: Stage, feed: str, day: str = DAY) -> DayAccount:
    """What became of a day's events."""
    with view_outbox(feed, stage.place.state) as outbox:
        (found,) = outbox.accounts([date.fromisoformat(day)])
    assert found.adds_up
    return found


def arrived(stage: Stage) -> dict[str, str]:
    """The bodies that Spotify took, by the event's id."""
    received = stage.sandbox.state.events.page(0, 10_000)
    return {str(each["event_id"]): json.dumps(each["body"]) for each in received}


def token(stage: Stage) -> str:
    """The connection's token, which `create-token` wrote into a private file."""
    file = stage.place.env_file
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    (secret,) = re.findall(r"^SPOTIFY_CAPI_TOKEN=(\S{40,})$", file.read_text(), re.MULTILINE)
    return secret


@a_run(
    views={"telling": TELLING, "misplaced": MISPLACED, "dropped": FEW_OTHERS},
    audiences={
        "telling": feed("telling"),
        "misplaced": feed("misplaced"),
        "dropped": feed("dropped").replace("opt_out: opted_out", "opt_out: {column: opted_out, policy: drop}"),
    },
)
def a10_p01_p03_events_in_every_dirt(stage: Stage) -> None:
    """All goes well, with addresses wherever nobody should write them; debugging messages are logged."""
    today = datetime.now(UTC).date().isoformat()
    made, well, wrong, *shown = stage.materialize(
        TOKEN,
        all_of("telling", "dropped"),
        all_of("misplaced", partition=today),
        command("account", "misplaced"),
        command("dead-letters", "misplaced"),
        command("dead-letters", "telling"),
        Command(arguments=("conversions", "tokens", DEFAULTS.capi_connection_id)),
    )
    assert (made.code, well.success, wrong.success) == (0, True, True), (made, well, wrong)
    assert [each.code for each in shown] == [0] * 4
    assert token(stage)
    telling, dropped = (account(stage, name) for name in ("telling", "dropped"))
    misplaced = account(stage, "misplaced", today)
    assert telling.dead["event_id_unusable"] + telling.dead["content_name_unusable"] > 100
    assert telling.filtered["no_consent"] > 300
    assert dropped.filtered["opted_out"] > 1
    assert misplaced.dead.keys() - {"no_identifier"} == {
        *("event_id_unusable", "unknown_name", "time_unreadable", "amount_unusable", "currency_unknown"),
        *("category_unusable", "url_unusable"),
    }
    assert not misplaced.delivered + misplaced.pending
    bodies = arrived(stage)
    assert len(bodies) == telling.delivered + dropped.delivered > 100
    everything = "\n".join(bodies.values())
    assert not [stem for stem in (MAIL_STEM, *PHONE_STEMS) if stem in everything.lower()]
    assert IP_STEM in everything
    assert DEVICE_STEMS[0] in everything
    assert '"opt_out_targeting": true' in everything
    assert digests() & set(re.findall("[0-9a-f]{64}", everything))
    assert any("DEBUG" in file.read_text() for file in stage.place.printed.glob("*.err"))
    assert stage.unfinished() == []


def echo(stage: Stage, status: int, times: int | str = "always") -> dict[str, object]:
    """An answer that says again what it was sent, the token and the people among it."""
    one = canaries()[1]
    said = f"{token(stage)} {one.ip_address} {one.device_id} {one.phone} and this"
    return said_back("send_events", status, also=said) | {"times": times}


@a_run(
    views={"few": FEW, "others": FEW_OTHERS},
    audiences={"few": feed("few", SMALL_BATCHES), "once": feed("others", AT_MOST_ONCE)},
)
def a02_a04_p02_spotify_refuses_events(stage: Stage) -> None:
    """Spotify says again what it was sent; some events are poison, become dead letters and are sent again."""
    made, read = stage.materialize(TOKEN, all_of("few", "once", assets=READ))
    assert (made.code, read.success) == (0, True), (made, read)
    waiting = account(stage, "few").pending
    assert waiting > 10
    poison = ["order-2", "order-7", "order-11"]
    stage.sandbox.state.rejected_events.replace_all(event_ids=poison)
    *refused, lost, tried_again, shown, dead = stage.materialize(
        *(sent("few", echo(stage, status)) for status in (401, 403, 400)),
        sent("once", echo(stage, 200)),
        sent("few", echo(stage, 500, times=1)),
        command("account", "few"),
        command("dead-letters", "few"),
    )
    assert [list(each.said) for each in (*refused, lost)] == [["few__delivery"]] * 3 + [["once__delivery"]]
    for each, words in zip(refused, ("rejects the token", "403", "Spotify refused each of"), strict=True):
        assert words in each.said["few__delivery"]
    assert tried_again.success, tried_again
    assert (shown.code, dead.code) == (0, 0)
    assert account(stage, "once").dead["unconfirmed"] == 5
    few = account(stage, "few")
    assert (few.delivered, few.pending, few.dead["refused"]) == (waiting - len(poison), 0, len(poison))
    assert all(each in printed(stage) for each in poison)
    stage.sandbox.state.rejected_events.clear()
    stopped, resumed, replayed, rest = stage.materialize(
        command("account", "once"), command("resume", "once"), command("replay", "few"), all_of("once")
    )
    assert (stopped.code, resumed.code, replayed.code) == (1, 0, 0)
    assert rest.success, rest
    assert account(stage, "few").delivered == waiting
    assert account(stage, "once").pending == 0
    assert set(poison) <= arrived(stage).keys()
    assert stage.unfinished() == []


@a_run(views=BROKEN, audiences={name: feed(name) for name in BROKEN})
def p03_reading_of_events_breaks(stage: Stage) -> None:
    """The warehouse stops on a row and quotes it; nothing is recorded, and nothing sent."""
    (broke,) = stage.materialize(all_of(*BROKEN))
    assert set(broke.said) == {f"{name}__validated_events" for name in BROKEN}
    assert [each for each in broke.said.values() if "could not be read to its end" not in each] == []
    assert arrived(stage) == {}
    assert stage.unfinished() == []


@a_run(views={"orders": orders()}, audiences={"orders": feed("orders")})
def a05_p08_sender_is_killed(stage: Stage) -> None:
    """SIGKILL while Spotify keeps it waiting for an answer; the next run sends the rest, and nothing is left of it."""
    stalled = {"operation": "send_events", "nth": 2, "after": [{"do": "stall", "seconds": 60}]}
    process = stage.begin(TOKEN, all_of("orders", assets=READ), sent("orders", stalled))
    stage.kill(process, lambda: len(arrived(stage)) >= 200)
    assert token(stage)
    left = account(stage, "orders")
    assert left.pending > 0
    (ended,) = stage.materialize(sent("orders"))
    assert ended.success, ended
    assert len(arrived(stage)) == account(stage, "orders").delivered == left.pending + left.delivered > 300
    assert stage.unfinished() == []
