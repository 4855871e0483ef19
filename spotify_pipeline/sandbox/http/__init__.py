"""HTTP as the sandbox needs it: request bodies, ranges, pages, and the raw connection."""

from spotify_pipeline.sandbox.http.pages import render
from spotify_pipeline.sandbox.http.raw_connection import RawConnection, RawConnectionProtocol, raw_connection_of
from spotify_pipeline.sandbox.http.requests import (
    CHUNK_QUANTUM,
    BadRange,
    BodyTooLarge,
    Chunk,
    NotJson,
    StatusQuery,
    committed,
    content_of,
    read_body,
    read_form,
    read_json,
)

__all__ = [
    "CHUNK_QUANTUM",
    "BadRange",
    "BodyTooLarge",
    "Chunk",
    "NotJson",
    "RawConnection",
    "RawConnectionProtocol",
    "StatusQuery",
    "committed",
    "content_of",
    "raw_connection_of",
    "read_body",
    "read_form",
    "read_json",
    "render",
]
