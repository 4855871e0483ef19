"""What the runs of feeds need from outside: their outboxes, and Spotify's Conversions API.

No value is read when definitions load: token, connection and addresses come from the environment when they are used.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from spotify_pipeline.components.configured import ConfiguredResource, setting
from spotify_pipeline.components.conversions.feed import FeedDefinition
from spotify_pipeline.conversions import Guarantee, Outbox, OutboxViews, open_outbox, view_outbox
from spotify_pipeline.retries import OUTBOX_HELD, OUTBOX_READ
from spotify_pipeline.spotify import AcceptedResponse, CallRecord, ConversionsClient, ConversionsSettings


class Outboxes(ConfiguredResource):
    """The outboxes of all feeds, in the project's state."""

    home: Any = setting("home")
    state: Any = setting("state")
    key: Any = setting("key")
    wait_to_read: float = OUTBOX_READ.within
    """Seconds that a reading waits for another run of its feed, as it holds up all that would read the warehouse."""

    @contextmanager
    def hold(self, feed: FeedDefinition, *, to_read: bool = False) -> Generator[Outbox]:
        """A feed's outbox, held by this run alone inside the block; another is waited for, but not long ``to_read``.

        Raises:
            OutboxBusy: another run holds it.
            OutboxError, StateError: it cannot be used.
        """
        wait = self.wait_to_read if to_read else OUTBOX_HELD.within
        with open_outbox(
            feed.name, self.connected().store, guarantee=feed.delivery_plan.guarantee, wait=wait
        ) as outbox:
            yield outbox

    @contextmanager
    def look(self, feed: FeedDefinition) -> Generator[OutboxViews]:
        """A feed's outbox, to look at only, even if a run holds it.

        Raises:
            OutboxMissing: no day of the feed was ever read.
            StateError: it cannot be read.
        """
        with view_outbox(feed.name, self.connected().store) as outbox:
            yield outbox


class SpotifyConversions(ConfiguredResource):
    """Spotify's Conversions API. A feed may name a token and a connection of its own."""

    capi_url: Any = setting("capi_url")
    capi_connection_id: Any = setting("capi_connection_id")
    capi_token: Any = setting("capi_token")
    proxy_url: Any = setting("proxy_url")
    ca_bundle: Any = setting("ca_bundle")
    home: Any = setting("home")
    state: Any = setting("state")
    key: Any = setting("key")

    def settings(self, feed: FeedDefinition) -> ConversionsSettings:
        """What is set, with what the feed's YAML states."""
        return self.connected().conversions(token_variable=feed.token_variable, connection_id=feed.config.connection_id)

    @contextmanager
    def client(
        self, feed: FeedDefinition, on_call: Callable[[CallRecord], None] | None = None
    ) -> Generator[ConversionsClient]:
        """An open client; each call is reported to ``on_call``, without secrets.

        Raises:
            SettingsMissing: the token or the connection is not set.
        """
        once = feed.delivery_plan.guarantee is Guarantee.AT_MOST_ONCE
        accepted = tuple(map(AcceptedResponse.parse, feed.delivery_plan.taken_answers))
        with ConversionsClient(
            self.settings(feed), self.connected().store, guarantee_once=once, observer=on_call, accepted=accepted
        ) as client:
            yield client
