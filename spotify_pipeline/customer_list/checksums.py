"""Size and checksums of a file, taken from its bytes as they pass."""

from __future__ import annotations

import base64
import hashlib
from typing import cast

import google_crc32c


class Checksums:
    """What Google's storage, and anybody who compares files, needs to know of the bytes so far."""

    def __init__(self) -> None:
        self.bytes = 0
        self._sha256 = hashlib.sha256()
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._crc32c = 0

    def update(self, data: bytes) -> None:
        """Take the next bytes of the file."""
        self.bytes += len(data)
        self._sha256.update(data)
        self._md5.update(data)
        self._crc32c = cast("int", google_crc32c.extend(self._crc32c, data))

    @property
    def sha256(self) -> str:
        """Lower-case hex."""
        return self._sha256.hexdigest()

    @property
    def md5(self) -> str:
        """Base64, as Google's ``x-goog-hash: md5=`` and ``Content-MD5`` print it."""
        return base64.b64encode(self._md5.digest()).decode()

    @property
    def crc32c(self) -> str:
        """Base64 of the four bytes in big-endian order, as Google's ``x-goog-hash: crc32c=`` prints it."""
        return base64.b64encode(self._crc32c.to_bytes(4, "big")).decode()
