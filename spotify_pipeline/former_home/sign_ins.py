"""The sign-ins: `tokens.json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

from spotify_pipeline.former_home.errors import damaged
from spotify_pipeline.spotify import Authorization, AuthorizationKey, Secret, TokenStore
from spotify_pipeline.state import StateStore

_VERSION = 2


def take_sign_ins(home: Path, state: StateStore) -> int:
    """Every sign-in, and the digests of used bootstrap tokens; how many sign-ins. Done twice, it is as once."""
    file = home / "tokens.json"
    if not file.exists():
        return 0
    try:
        content = cast("dict[str, Any]", json.loads(file.read_bytes()))
        if content["version"] != _VERSION:
            raise damaged(file)
        found = [_authorization(each) for each in content["authorizations"]]
        used = {_key(each): str(each["seed_sha256"]) for each in content["signed_out"]}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise damaged(file) from None
    with TokenStore(state).exclusive() as tokens:
        if used:
            tokens.forget(used)
        for each in found:
            tokens.save(each)
    return len(found)


def _key(entry: dict[str, Any]) -> AuthorizationKey:
    return AuthorizationKey(entry["issuer"], entry["client_id"], entry["label"])


def _authorization(entry: dict[str, Any]) -> Authorization:
    return Authorization(
        **_key(entry)._asdict(),
        business_id=entry["business_id"],
        refresh_token=Secret(entry["refresh_token"]),
        previous_refresh_token=_secret(entry["previous_refresh_token"]),
        authorized_at=entry["authorized_at"],
        bootstrapped_at=entry["seeded_at"],
        access_token=_secret(entry["access_token"]),
        renew_at=entry["renew_at"],
        scopes=None if entry["scopes"] is None else frozenset(entry["scopes"]),
        needs_sign_in=entry["needs_sign_in"],
        refresh_started_at=entry["refresh_started_at"],
        bootstrap_sha256=entry["seed_sha256"],
    )


def _secret(value: str | None) -> Secret | None:
    return None if value is None else Secret(value)
