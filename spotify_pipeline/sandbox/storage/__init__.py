"""The sandbox's object store: signed URLs and resumable uploads."""

from spotify_pipeline.sandbox.storage.answers import StoreRefusal, xml_error
from spotify_pipeline.sandbox.storage.object_store import ObjectStore, upload_url_for

__all__ = [
    "ObjectStore",
    "StoreRefusal",
    "upload_url_for",
    "xml_error",
]
