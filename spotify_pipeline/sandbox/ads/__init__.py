"""The sandbox's Ads API."""

from spotify_pipeline.sandbox.ads.account_routes import AccountOperations, ad_account_answer, business_answer
from spotify_pipeline.sandbox.ads.audience_answers import audience_answer
from spotify_pipeline.sandbox.ads.audience_routes import AudienceOperations
from spotify_pipeline.sandbox.ads.connection_routes import CapiOperations
from spotify_pipeline.sandbox.ads.dataset_answers import (
    ad_accounts_of_dataset,
    connection_answer,
    dataset_answer,
    is_routed,
    token_answer,
)
from spotify_pipeline.sandbox.ads.dataset_routes import DatasetOperations
from spotify_pipeline.sandbox.ads.errors import ApiError, error_answer

__all__ = [
    "AccountOperations",
    "ApiError",
    "AudienceOperations",
    "CapiOperations",
    "DatasetOperations",
    "ad_account_answer",
    "ad_accounts_of_dataset",
    "audience_answer",
    "business_answer",
    "connection_answer",
    "dataset_answer",
    "error_answer",
    "is_routed",
    "token_answer",
]
