"""Computes checksums of a file while its bytes pass, in the format of Google Cloud Storage.

CRC32C and MD5 are base64 of the big-endian bytes, as in ``x-goog-hash`` and ``Content-MD5``. The CRC32C of the nine
ASCII digits ``123456789`` is ``4waSgw==``.
"""

from __future__ import annotations

import base64
import hashlib

import google_crc32c


class Crc32c:
    """CRC32C of the bytes so far, computed by the processor at almost no cost."""

    def __init__(self) -> None:
        self._checksum = google_crc32c.Checksum()

    def update(self, data: bytes) -> None:
        """Add the next bytes of the file."""
        self._checksum.update(data)

    @property
    def base64(self) -> str:
        """As in ``x-goog-hash: crc32c=``."""
        return base64.b64encode(self._checksum.digest()).decode()


class SizeAndSums:
    """Size, CRC32C and SHA-256 of the bytes so far: what proves that a file is the one that was written."""

    def __init__(self) -> None:
        self.bytes = 0
        self._crc32c = Crc32c()
        self._sha256 = hashlib.sha256()

    def update(self, data: bytes) -> None:
        """Add the next bytes of the file."""
        self.bytes += len(data)
        self._crc32c.update(data)
        self._sha256.update(data)

    @property
    def crc32c(self) -> str:
        """Base64, as in ``x-goog-hash: crc32c=``."""
        return self._crc32c.base64

    @property
    def sha256(self) -> str:
        """Lower-case hex."""
        return self._sha256.hexdigest()


class FileChecksums(SizeAndSums):
    """The same, and MD5, which the storage may state instead of CRC32C."""

    def __init__(self) -> None:
        super().__init__()
        self._md5 = hashlib.md5(usedforsecurity=False)

    def update(self, data: bytes) -> None:
        """Add the next bytes of the file."""
        super().update(data)
        self._md5.update(data)

    @property
    def md5(self) -> str:
        """Base64, as in ``x-goog-hash: md5=``."""
        return base64.b64encode(self._md5.digest()).decode()
