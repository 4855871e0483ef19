"""The client of Spotify's Ads API v3: businesses, ad accounts, audiences and their uploads, data sets and connections.

Paths, bodies and queries are those of Spotify's OpenAPI document; a contract test holds each operation against it.
"""

from __future__ import annotations

import random as randomness
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Unpack

from spotify_pipeline.retries import API_CALL
from spotify_pipeline.spotify.ads.audiences import AudienceOperations
from spotify_pipeline.spotify.ads.datasets import DatasetOperations
from spotify_pipeline.spotify.ads.expected import ExistingObject, ObjectList
from spotify_pipeline.spotify.ads.models import AdAccount, Business, Dataset
from spotify_pipeline.spotify.ads.pages import objects
from spotify_pipeline.spotify.ads.request import AD_ACCOUNT, ApiCalls, RestrictedCalls
from spotify_pipeline.spotify.auth import AccountsService, TokenProvider, TokenStore
from spotify_pipeline.spotify.errors import NotFound, PermissionDenied
from spotify_pipeline.spotify.lenient_json import same_id
from spotify_pipeline.spotify.retry import RateLimiter, RetryLoop, rate_key
from spotify_pipeline.spotify.settings import SpotifySettings
from spotify_pipeline.spotify.transport import ACCOUNTS, ADS_API, STORAGE, HttpClient, Observer, Transport
from spotify_pipeline.spotify.upload import ListObject, OpenUpload, Uploader, UploadHooks, UploadProof, UploadTicket
from spotify_pipeline.spotify.upload_hosts import UploadHosts


class SpotifyAdsClient(AudienceOperations, DatasetOperations):
    """The client. Use it as a context manager; it holds open connections.

    Every method may raise the errors of :mod:`spotify_pipeline.spotify.errors`: SignInRequired, SettingsInvalid,
    TermsNotAccepted, PermissionDenied, RateLimited, SpotifyUnavailable, UntrustedServer and UnexpectedResponse; and
    StateError. Methods list NotFound, InvalidRequest and Conflict where these have a special meaning.
    """

    def __init__(self, calls: RestrictedCalls, uploader: Uploader, connections: ExitStack) -> None:
        self._call = calls
        self._uploader = uploader
        self._connections = connections

    @classmethod
    def open(
        cls,
        settings: SpotifySettings,
        token_store: TokenStore,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = randomness.random,
        observer: Observer | None = None,
        transport: Transport | None = None,
        rate_limiter: RateLimiter | None = None,
        max_wait: float = API_CALL.within,
    ) -> SpotifyAdsClient:
        """A client for ``settings``. Makes no call and reads no file before its first use.

        Args:
            settings: addresses and credentials.
            token_store: where the tokens are.
            clock: seconds since the epoch.
            sleep, random: for the pauses between tries; random from 0 to 1.
            observer: receives a record of each call as it ends; see :class:`CallRecord`. Records contain no secret.
            transport: replaces the network, for all three services; for tests.
            rate_limiter: of calls to the Ads API; by default the one that all who use this state share.
            max_wait: seconds that one call may wait for the rate limiter and between tries; else it is RateLimited.
        """
        connections = ExitStack()
        api, accounts, storage = (
            connections.enter_context(
                HttpClient(
                    service,
                    transport=transport,
                    observer=observer,
                    proxy_url=settings.proxy_url,
                    ca_bundle=settings.ca_bundle,
                )
            )
            for service in (ADS_API, ACCOUNTS, STORAGE)
        )
        tokens = TokenProvider(
            settings,
            token_store,
            AccountsService(settings, accounts, clock=clock),
            clock=clock,
            sleep=sleep,
            random=random,
        )
        connections.callback(tokens.close)
        rate_limiter = rate_limiter or RateLimiter.of_state(token_store.state, rate_key(settings), sleep=sleep)
        retries = RetryLoop(rate_limiter, max_wait=max_wait, clock=clock, sleep=sleep, random=random)
        calls = ApiCalls(api, settings.ads_api_url, tokens, retries, clock=clock)
        uploader = Uploader(
            storage,
            UploadHosts(settings.upload_hosts),
            chunk_bytes=settings.upload_chunk_bytes,
            clock=clock,
            sleep=sleep,
            random=random,
        )
        return cls(RestrictedCalls(calls, settings.authorization), uploader, connections)

    def __enter__(self) -> SpotifyAdsClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._connections.close()

    def businesses(self) -> list[Business]:
        """The businesses of the user who signed in."""
        found = self._call.get("/businesses", "list the businesses", ObjectList("businesses"))
        return [Business.from_json(each) for each in objects(found, "businesses")]

    def find_capi_connection(self, capi_connection_id: str) -> tuple[Business, Dataset] | None:
        """The data set that a connection's events go to, and its business; None when no business of the user has it.

        Raises:
            PermissionDenied, NotFound: it was not found, and one business did not list its data sets.
        """

        def has_it(dataset: Dataset) -> bool:
            return dataset.capi_connection is not None and same_id(dataset.capi_connection.id, capi_connection_id)

        return self._found_among_datasets(has_it)

    def find_dataset(self, dataset_id: str) -> tuple[Business, Dataset] | None:
        """A data set and its business; otherwise as :meth:`find_capi_connection`."""
        return self._found_among_datasets(lambda dataset: same_id(dataset.id, dataset_id))

    def _found_among_datasets(self, is_it: Callable[[Dataset], bool]) -> tuple[Business, Dataset] | None:
        refused: PermissionDenied | NotFound | None = None
        for business in self.businesses():
            try:
                datasets = self.datasets(business.id)
            except (PermissionDenied, NotFound) as failure:
                refused = refused or failure
                continue
            found = next(filter(is_it, datasets), None)
            if found is not None:
                return business, found
        if refused is not None:
            raise refused
        return None

    def ad_accounts(self, business_id: str) -> list[AdAccount]:
        """The ad accounts of one business that the user may see."""
        expected = ObjectList("ad_accounts", of={"business_id": business_id})
        route = "/businesses/{business_id}/ad_accounts"
        found = self._call.get(route, "list the ad accounts", expected, ids={"business_id": business_id})
        return [AdAccount.from_json(each) for each in objects(found, "ad_accounts")]

    def ad_account(self, ad_account_id: str) -> AdAccount:
        """One ad account.

        Raises:
            NotFound: it does not exist, or the user may not see it.
        """
        expected = ExistingObject("ad account", ad_account_id)
        return AdAccount.from_json(
            self._call.get(AD_ACCOUNT, "show the ad account", expected, ids={"ad_account_id": ad_account_id})
        )

    def upload(
        self,
        ticket: UploadTicket,
        file: Path | ListObject,
        *,
        size: int,
        crc32c: str,
        md5: str | None = None,
        **hooks: Unpack[UploadHooks],
    ) -> UploadProof:
        """Send a customer list to the storage; see :meth:`Uploader.upload` for arguments and errors."""
        return self._uploader.upload(ticket, file, size=size, crc32c=crc32c, md5=md5, **hooks)

    def resume_upload(
        self,
        opened: OpenUpload,
        file: Path | ListObject,
        *,
        size: int,
        crc32c: str,
        md5: str | None = None,
        **hooks: Unpack[UploadHooks],
    ) -> UploadProof:
        """Resume an upload that an earlier run started; see :meth:`Uploader.resume`."""
        return self._uploader.resume(opened, file, size=size, crc32c=crc32c, md5=md5, **hooks)

    def cancel_upload(self, opened: OpenUpload) -> None:
        """Give up an upload that an earlier run started; see :meth:`Uploader.cancel`."""
        self._uploader.cancel(opened)
