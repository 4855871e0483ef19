"""The tables of the state, the same on SQLite and PostgreSQL.

Documents (`content`) are JSON of the dataclasses that the packages above keep, each with a format of its own inside.
What is looked up or must be unique has a column. Sealed columns are encrypted (see :mod:`spotify_pipeline.state.key`).
Times are text: ISO 8601, UTC, so that they sort. `docs/reference/state.md` describes each table.
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy import event

REVISION = "0001"
"""Of the newest tables; see ``migrations``."""

SEALED = "sealed"
"""Mark (``info``) of a column that is encrypted, for the place that ``place_of`` says."""

metadata = sa.MetaData()


class Time(sa.TypeDecorator[datetime]):
    """A time in UTC, as text: all as long, so that texts sort as times do, in a database of any language."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> str | None:  # noqa: ARG002
        """As the column has it."""
        return value.astimezone(UTC).isoformat(timespec="microseconds") if value is not None else None

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        """As Python has it."""
        return datetime.fromisoformat(value) if value is not None else None


Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""Of rows that are numbered: SQLite numbers only INTEGER keys."""


def _of_feed() -> sa.Column[int]:
    return sa.Column("feed", Id, sa.ForeignKey("feed.feed"), primary_key=True, autoincrement=False)


initialised = sa.Table(
    "initialised",
    metadata,
    sa.Column("one", sa.Integer, sa.CheckConstraint("one = 1"), primary_key=True),
    sa.Column("store_id", sa.Text, nullable=False),
    sa.Column("made_at", sa.Text, nullable=False),
    sa.Column("key_id", sa.Text),
    sa.Column("lists_key", sa.LargeBinary, info={SEALED: True}),
    sa.Column("moved_to", sa.Text),
    sa.Column("moved_at", sa.Text),
    sa.Column("import_due", sa.Boolean, nullable=False),
)
"""One row: this state was made on purpose; which key seals it; ``lists_key``: what encrypts identifiers in a bucket,
sealed; where the state was moved to, if it was; and whether what a version before it kept in files is still to be taken
over."""

version = sa.Table("alembic_version", metadata, sa.Column("version_num", sa.String(32), primary_key=True))
"""The revision of the tables, where Alembic looks for it."""

lease = sa.Table(
    "lease",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("fence", sa.BigInteger, nullable=False),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("since", sa.Text, nullable=False),
)
"""Who was given leave to write last. Each holder has a higher fence than the one before."""

audience = sa.Table(
    "audience",
    metadata,
    sa.Column("ad_account_id", sa.Text, primary_key=True),
    sa.Column("audience", sa.Text, primary_key=True),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("session", sa.LargeBinary, info={SEALED: True}),
)
"""What is known of each audience, with what is unfinished; ``session``: of the upload under way, sealed."""

held_audience = sa.Table(
    "held_audience",
    metadata,
    sa.Column("spotify_id", sa.Text, primary_key=True),
    sa.Column("ad_account_id", sa.Text, nullable=False),
    sa.Column("audience", sa.Text, nullable=False),
    sa.ForeignKeyConstraint(
        ["ad_account_id", "audience"], ["audience.ad_account_id", "audience.audience"], ondelete="CASCADE"
    ),
    sa.Index("held_audience_of", "ad_account_id", "audience"),
)
"""Whose each audience at Spotify is: one id is of one audience, in any ad account (C20)."""

receipt = sa.Table(
    "receipt",
    metadata,
    sa.Column("ad_account_id", sa.Text, primary_key=True),
    sa.Column("audience", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, sa.CheckConstraint("number > 0"), primary_key=True),
    sa.Column("previous", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.UniqueConstraint("ad_account_id", "audience", "previous", name="receipt_previous"),
    sa.UniqueConstraint("digest", name="receipt_digest"),
)
"""Every change at Spotify, insert only. ``content`` is the canonical JSON, with its digest."""

approval = sa.Table(
    "approval",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("ad_account_id", sa.Text, nullable=False),
    sa.Column("audience", sa.Text, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("used_at", sa.Text),
    sa.Column("used_for", sa.Text),
    sa.Column("once", sa.Text),
    sa.UniqueConstraint("ad_account_id", "audience", "once", name="approval_once"),
    sa.Index("approval_of", "ad_account_id", "audience"),
)
"""What people approved; kept when it is used. ``once``: what one was used for that a run's configuration gave, which
counts no second time."""

alert = sa.Table(
    "alert",
    metadata,
    sa.Column("audience", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("content", sa.Text, nullable=False),
)
"""How each thing that a person must be told stands, and what was told."""

erasure = sa.Table(
    "erasure",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("requested_at", Time, nullable=False),
    sa.Column("deadline", Time, nullable=False),
    sa.Column("identifiers", sa.Integer, nullable=False),
    sa.Column("digests", sa.Integer, nullable=False),
    sa.Column("in_force_at", Time),
    sa.Column("confirmed", sa.Text),
    sa.Column("taken_back", sa.Text),
    sa.Column("rules_version", sa.Integer, nullable=False),
    sa.Index("erasure_order", "requested_at", "id"),
)
"""Requests to be forgotten, forever. ``digests``: how many rows `erasure_digest` must hold of it. ``confirmed`` and
``taken_back``: documents of whose word it was."""

erasure_waiting = sa.Table(
    "erasure_waiting",
    metadata,
    sa.Column("audience", sa.Text, primary_key=True),
    sa.Column("request", sa.Text, sa.ForeignKey("erasure.id"), primary_key=True),
    sa.Index("erasure_waiting_request", "request"),
)
"""Audiences that may still hold the people of a request at Spotify."""

erasure_digest = sa.Table(
    "erasure_digest",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("request", sa.Text, sa.ForeignKey("erasure.id"), primary_key=True),
    sa.Index("erasure_digest_request", "request"),
    sqlite_with_rowid=False,
)
"""The digests of those who asked; of a request that was taken back, none."""

sign_in = sa.Table(
    "sign_in",
    metadata,
    sa.Column("issuer", sa.Text, primary_key=True),
    sa.Column("client_id", sa.Text, primary_key=True),
    sa.Column("label", sa.Text, primary_key=True),
    sa.Column("content", sa.LargeBinary, info={SEALED: True}),
    sa.Column("used_bootstrap", sa.Text),
)
"""Sign-ins; ``content`` is NULL after a sign-out, when only the digest of a used bootstrap token is kept."""

rate = sa.Table(
    "rate",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("content", sa.Text, nullable=False),
)
"""The rate limit that machines share, by their database's clock; unused on SQLite."""

comparison = sa.Table(
    "comparison",
    metadata,
    sa.Column("ad_account_id", sa.Text, primary_key=True),
    sa.Column("audience", sa.Text, primary_key=True),
    sa.Column("before_sha256", sa.Text, primary_key=True),
    sa.Column("after_sha256", sa.Text, primary_key=True),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
)
"""What was found when two lists were compared, by the digests of their files."""

feed = sa.Table(
    "feed",
    metadata,
    sa.Column("feed", Id, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("guarantee", sa.Text, nullable=False),
    sa.Column("stop", sa.Text),
)
"""Feeds of events. ``guarantee``: how events that are `sending` were claimed. ``stop``: why nothing is sent, JSON."""

event_day = sa.Table(
    "event_day",
    metadata,
    _of_feed(),
    sa.Column("day", sa.Text, primary_key=True),
    sa.Column("new", sa.BigInteger, nullable=False),
    sa.Column("repeated", sa.BigInteger, nullable=False),
    sa.Column("unwanted", sa.BigInteger, nullable=False),
    sa.Column("forgotten", sa.Boolean, nullable=False),
    sa.Column("replay", sa.Boolean, nullable=False),
    sa.Column("first_read_at", sa.Text, nullable=False),
    sa.Column("read_at", sa.Text),
)
"""Days that were read, and the totals of their rows. A forgotten day has its sums in `event_total` and no events;
``replay``: it is to be read again for rows of it that are no events."""

event_reading = sa.Table(
    "event_reading",
    metadata,
    _of_feed(),
    sa.Column("day", sa.Text, primary_key=True),
    sa.Column("verdict", sa.Text, primary_key=True),
    sa.Column("accepted", sa.Boolean, primary_key=True),
    sa.Column("rows", sa.BigInteger, nullable=False),
)
"""What the newest reading of a day said of its rows (a reason, or `pending`), and the last one that was let pass; each
with a row of no verdict, so that a day without rows is known to have been read."""

event_total = sa.Table(
    "event_total",
    metadata,
    _of_feed(),
    sa.Column("day", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, primary_key=True),
    sa.Column("reason", sa.Text, primary_key=True),
    sa.Column("events", sa.BigInteger, nullable=False),
)
"""The sums of days whose events were forgotten; ``reason`` is empty where there is none."""

_WAITS = sa.text("state IN ('pending', 'sending')")
event_ = sa.Table(
    "event",
    metadata,
    _of_feed(),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("day", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("event_name", sa.Text),
    sa.Column("event_time", sa.BigInteger),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("fields", sa.Text),
    sa.Column("replay", sa.Boolean, nullable=False),
    sa.Column("settled_at", sa.Text),
    sa.Index("event_key", "feed", "key", unique=True),
    sa.Index("event_of_day", "feed", "day"),
    sa.Index("event_waits", "feed", "day", "number", sqlite_where=_WAITS, postgresql_where=_WAITS),
    sqlite_with_rowid=False,
)
"""The state of every event. ``event_time``: microseconds since 1970."""

event_body = sa.Table(
    "event_body",
    metadata,
    _of_feed(),
    sa.Column("block", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False, info={SEALED: True}),
)
"""The bodies of events that are still to be sent, sealed, in blocks of numbers; each gone with the transaction that
settles its event."""

_FOREVER = "A receipt is never changed and never removed."
_DDL = {
    "sqlite": [
        f"CREATE TRIGGER receipt_update BEFORE UPDATE ON receipt BEGIN SELECT RAISE(ABORT, '{_FOREVER}'); END",
        f"CREATE TRIGGER receipt_delete BEFORE DELETE ON receipt BEGIN SELECT RAISE(ABORT, '{_FOREVER}'); END",
    ],
    "postgresql": [
        f"""CREATE FUNCTION receipt_is_forever() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION '{_FOREVER}'; END $$""",
        """CREATE TRIGGER receipt_forever BEFORE UPDATE OR DELETE OR TRUNCATE ON receipt
            FOR EACH STATEMENT EXECUTE FUNCTION receipt_is_forever()""",
        "ALTER TABLE rate SET UNLOGGED",
    ],
}
for _dialect, _statements in _DDL.items():
    for _statement in _statements:
        event.listen(metadata, "after_create", sa.DDL(_statement).execute_if(dialect=_dialect))
