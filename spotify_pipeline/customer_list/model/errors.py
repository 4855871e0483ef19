"""What goes wrong with a customer list, and how personal data is kept out of the message."""

from __future__ import annotations

from functools import partial

from spotify_pipeline import rows


class CustomerListError(rows.RowsError):
    """A customer list cannot be built, trusted or found; the message says why and what to do."""


withheld_errors = partial(rows.withheld_errors, raised=CustomerListError)
"""``rows.withheld_errors`` that raises a :class:`CustomerListError`."""
