"""HTTP as the sandbox needs it: request bodies, ranges, pages, and the raw connection."""

from spotify_pipeline.sandbox.http.content_range import (
    CHUNK_QUANTUM,
    BadRange,
    Chunk,
    StatusQuery,
    committed,
    content_of,
)
from spotify_pipeline.sandbox.http.pages import render
from spotify_pipeline.sandbox.http.raw_connection import Wire, WiredProtocol, wire_of
from spotify_pipeline.sandbox.http.request_body import BodyTooLarge, NotJson, read_body, read_form, read_json

__all__ = [
    "CHUNK_QUANTUM",
    "BadRange",
    "BodyTooLarge",
    "Chunk",
    "NotJson",
    "StatusQuery",
    "Wire",
    "WiredProtocol",
    "committed",
    "content_of",
    "read_body",
    "read_form",
    "read_json",
    "render",
    "wire_of",
]
