"""What all errors of this project have in common."""

from __future__ import annotations


class ExpectedError(Exception):
    """It says in a sentence what is wrong, where, and what to do next; no stack trace helps more than that.

    Each package has errors of its own that derive from it. No message holds personal data or a secret.
    """
