"""Resumable uploads: a state machine without I/O, the driver that carries it out, and the proof that a file arrived."""

from spotify_pipeline.spotify.upload.driver import UploadHooks
from spotify_pipeline.spotify.upload.models import OpenUpload, UploadProgress, UploadProof, UploadTicket
from spotify_pipeline.spotify.upload.service import Uploader
from spotify_pipeline.spotify.upload.source_file import ListObject

__all__ = [
    "ListObject",
    "OpenUpload",
    "UploadHooks",
    "UploadProgress",
    "UploadProof",
    "UploadTicket",
    "Uploader",
]
