"""Every limit of Spotify's that this project keeps, once, and where each is known from.

``docs/reference/spotify-limits.md`` shows the same as a table. The sandbox has its own numbers, so that a misreading
here cannot hide there; a test compares the two.
"""

from __future__ import annotations

from datetime import timedelta

# Audiences

NAME_LENGTH = (2, 80)
"""Characters of an audience's name, at least and at most. Source: the Ads API's document, `AudienceName`."""
LONGEST_DESCRIPTION = 80
"""Characters of an audience's description. Source: the Ads API's document, `AudienceDescription`."""
LOOKBACK_DAYS = (30, 60, 90, 180)
"""Days back that an event-based audience may look. Source: the Ads API's document, `lookback_days`."""
LONGEST_PROCESSING = timedelta(hours=72)
"""Until an audience can be targeted. Source: Spotify's audiences skill, "up to three days"."""

# Customer lists

FEWEST_ROWS = 1000
"""Rows of a list. Source: one partner, by whom Spotify ignores shorter lists; Spotify states none."""
LARGEST_FILE = 1024**3
"""Bytes of one upload. Source: one partner; Spotify states none."""
STORAGE_BLOCK = 256 * 1024
"""Bytes of which every part of an upload but the last is a multiple. Source: Google, "Performing resumable uploads"."""

# Calls

CALLS = 1500
"""Calls of one client and user in any `CALLS_WITHIN`. Source: Spotify's guide, "Rate limits"."""
CALLS_WITHIN = timedelta(seconds=30)
"""The window of `CALLS`. Source: Spotify's guide, "Rate limits"."""
PAGE_SIZE = 50
"""Objects on a page of a list, and data sets that are listed at all. Source: the Ads API's document, `limit`."""

# Signing in

SIGN_IN_MONTHS = 6
"""Calendar months until a user has to sign in again. Source: Spotify, "Introducing refresh token expiration", 2026."""
TOKEN_LIFE = timedelta(hours=1)
"""For which an access token is valid. Source: Spotify's guide, "Refreshing tokens"."""

# Events

OLDEST_EVENT = timedelta(days=30)
"""Age of an event that is attributed to an ad. Source: Spotify's guide to metrics; of events it names no limit."""
MOST_EVENTS = 1000
"""Events in one request. Source: ours; Spotify states none."""
LARGEST_EVENT = 500_000
"""Bytes of one event, far beyond what any has. Source: ours; Spotify states none."""
LONGEST_EVENT_ID = 256
"""Characters of an event's id. Source: ours; Spotify states none."""
