"""What the sandbox remembers of conversions, except the events themselves, which are in ``event_store``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Share:
    """An ad account may use a data set."""

    id: str
    dataset_id: str
    ad_account_id: str

    @staticmethod
    def name_of(dataset_id: str, ad_account_id: str) -> str:
        """The id of the share of these two."""
        return f"{dataset_id} {ad_account_id}"

    @classmethod
    def of(cls, dataset_id: str, ad_account_id: str) -> Share:
        """The share of these two."""
        return cls(id=cls.name_of(dataset_id, ad_account_id), dataset_id=dataset_id, ad_account_id=ad_account_id)


@dataclass(frozen=True, kw_only=True)
class CapiConnection:
    """A Conversions API integration. Its events go to the data set it belongs to."""

    id: str
    integration_id: str
    business_id: str
    dataset_id: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Pixel:
    """A pixel. It never sends anything here, and is there for what joining a data set with it does."""

    id: str
    integration_id: str
    business_id: str
    dataset_id: str
    name: str
    domain: str
    created_at: datetime
    joined_late: bool = False
    """It shows no data set, and what is sent to its data set is accepted and goes nowhere."""


@dataclass(frozen=True, kw_only=True)
class CapiToken:
    """A token of a connection. Its id is the digest of the secret, which the Ads API shows whoever asks."""

    id: str
    token_id: str
    connection_id: str
    secret: str
    created_at: datetime
    deleted: bool = False
