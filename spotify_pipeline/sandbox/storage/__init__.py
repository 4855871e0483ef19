"""The sandbox's object store: signed URLs and resumable uploads."""

from spotify_pipeline.sandbox.storage.object_store import ObjectStore, upload_url_for
from spotify_pipeline.sandbox.storage.responses import StoreRefusal, xml_error

__all__ = [
    "ObjectStore",
    "StoreRefusal",
    "upload_url_for",
    "xml_error",
]
