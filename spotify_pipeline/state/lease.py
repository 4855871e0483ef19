"""Leave to write: a lock, and a fence that outlives it.

A lock alone lets a process write that lost it unnoticed: one that was stopped and overtaken, or whose session the
server ended. So each holder is given a number, its fence, higher than the one before, and every line that it writes is
written only if nobody has a higher one, in the same transaction.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from spotify_pipeline.state.errors import StateOvertaken
from spotify_pipeline.state.tables import lease


@dataclass(frozen=True)
class Fence:
    """What one holder was given: of which lease, and its number."""

    name: str
    number: int

    def require(self, transaction: sa.Connection) -> None:
        """Return if nobody has taken the lease since; nobody can until the transaction ends.

        Raises:
            StateOvertaken: somebody has.
        """
        mine = lease.update().where(lease.c.name == self.name, lease.c.fence == self.number)
        if transaction.execute(mine.values(fence=self.number)).rowcount != 1:
            raise StateOvertaken(
                f"Another run has taken {self.name} over since this one began. This one stopped and writes nothing "
                "more. Run it again when the other has ended."
            )


def take(transaction: sa.Connection, name: str, *, holder: str, since: str) -> Fence:
    """The next fence of a lease; the caller holds its lock."""
    known = transaction.scalar(sa.select(lease.c.fence).where(lease.c.name == name).with_for_update())
    number = (known or 0) + 1
    values = {"fence": number, "holder": holder, "since": since}
    if known is None:
        transaction.execute(lease.insert().values(name=name, **values))
    else:
        transaction.execute(lease.update().where(lease.c.name == name).values(**values))
    return Fence(name, number)
