"""The checks on an audience's assets."""

from spotify_pipeline.components.audiences.checks.audience import (
    READY,
    TARGETABLE,
    UNUSABLE,
    identifiers_check_results,
    identifiers_check_specs,
    list_check_results,
    list_check_specs,
    not_verified,
    targetable_check,
    verified,
    verified_check_spec,
)
from spotify_pipeline.components.audiences.checks.guards import (
    GUARDS,
    codes,
    guard_check_result,
    guard_check_spec,
    no_prediction,
    not_judged,
)
from spotify_pipeline.components.audiences.checks.privacy import (
    ERASURES_DONE,
    RECEIPTS_WHOLE,
    RETENTION_KEPT,
    clean_up_removed,
    privacy_checks,
)

__all__ = [
    "ERASURES_DONE",
    "GUARDS",
    "READY",
    "RECEIPTS_WHOLE",
    "RETENTION_KEPT",
    "TARGETABLE",
    "UNUSABLE",
    "clean_up_removed",
    "codes",
    "guard_check_result",
    "guard_check_spec",
    "identifiers_check_results",
    "identifiers_check_specs",
    "list_check_results",
    "list_check_specs",
    "no_prediction",
    "not_judged",
    "not_verified",
    "privacy_checks",
    "targetable_check",
    "verified",
    "verified_check_spec",
]
