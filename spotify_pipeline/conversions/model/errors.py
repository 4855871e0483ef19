"""What this room raises about the rows that it is given."""

from __future__ import annotations

from spotify_pipeline.customer_list import CustomerListError


class EventsError(CustomerListError):
    """The rows of an events relation cannot be judged at all; the message says why and what to do.

    A kind of :class:`CustomerListError`, as the people of an event are read by the code that reads the people of a list
    and fail in the same ways. The message names columns and types, and never holds a value.
    """
