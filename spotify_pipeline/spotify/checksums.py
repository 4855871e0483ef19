"""CRC32C and MD5 as Google Cloud Storage prints them: base64 of the big-endian bytes, as in ``x-goog-hash``.

The CRC32C of the nine ASCII digits ``123456789`` is ``4waSgw==``.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode

import google_crc32c

BLOCK_BYTES = 1024 * 1024


class Checksums:
    """Both checksums of a stream, fed block by block."""

    def __init__(self) -> None:
        self._crc32c = google_crc32c.Checksum()
        self._md5 = hashlib.md5(usedforsecurity=False)

    def update(self, block: bytes) -> None:
        self._crc32c.update(block)
        self._md5.update(block)

    @property
    def crc32c(self) -> str:
        return b64encode(self._crc32c.digest()).decode()

    @property
    def md5(self) -> str:
        return b64encode(self._md5.digest()).decode()
