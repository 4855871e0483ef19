"""The sandbox's Ads API."""

from spotify_pipeline.sandbox.ads.account_routes import AccountOperations, ad_account_response, business_response
from spotify_pipeline.sandbox.ads.audience_routes import AudienceOperations
from spotify_pipeline.sandbox.ads.connection_routes import CapiOperations
from spotify_pipeline.sandbox.ads.dataset_routes import DatasetOperations
from spotify_pipeline.sandbox.ads.errors import ApiError, error_response
from spotify_pipeline.sandbox.ads.responses import (
    ad_accounts_of_dataset,
    audience_response,
    connection_response,
    dataset_response,
    is_routed,
    token_response,
)

__all__ = [
    "AccountOperations",
    "ApiError",
    "AudienceOperations",
    "CapiOperations",
    "DatasetOperations",
    "ad_account_response",
    "ad_accounts_of_dataset",
    "audience_response",
    "business_response",
    "connection_response",
    "dataset_response",
    "error_response",
    "is_routed",
    "token_response",
]
