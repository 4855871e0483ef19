"""Turns names of audiences and snapshots into file names that cannot leave their directory."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

from spotify_pipeline.customer_list.model import CustomerListError

_AUDIENCE = re.compile(r"[a-z0-9_]{1,63}", re.ASCII)
_LONGEST_NAME = 200


def audience_folder(name: str) -> str:
    """The audience's name, which is its folder's.

    Raises:
        CustomerListError: it is not one.
    """
    if not _AUDIENCE.fullmatch(name):
        raise CustomerListError(f"Invalid audience name {name!r}: use 1 to 63 characters of a-z, 0-9 and _.")
    return name


def file_name(snapshot: str) -> str:
    """A snapshot's key as a file name, from which ``snapshot_key`` gives the key again.

    Raises:
        CustomerListError: it is no key.
    """
    try:
        # quote() lets these two pass whatever it is told.
        name = quote(snapshot, safe="").replace(".", "%2E").replace("~", "%7E")
    except UnicodeEncodeError:
        name = ""
    if not 1 <= len(name) <= _LONGEST_NAME:
        raise CustomerListError(f"Invalid snapshot key {snapshot!r}: it is empty, too long, or not text.")
    return name


def snapshot_key(name: str) -> str | None:
    """The key that a file's name stands for, None if no key would be written so."""
    key = unquote(name, errors="replace")
    try:
        return key if file_name(key) == name else None
    except CustomerListError:
        return None  # a stray file must not keep the others from being found


def is_audience(name: str) -> bool:
    """Whether an audience may have this name."""
    return _AUDIENCE.fullmatch(name) is not None
