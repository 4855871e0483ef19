from __future__ import annotations

import base64

import pytest

from spotify_pipeline.spotify.checksums import Checksums
from spotify_pipeline_tests.spotify.uploads import HEADER, MIB, ROW


def _crc32c(content: bytes) -> str:
    """CRC32C (Castagnoli) bit by bit over a table, apart from the library under test."""
    table = []
    for index in range(256):
        for _ in range(8):
            index = (index >> 1) ^ 0x82F63B78 if index & 1 else index >> 1
        table.append(index)
    crc = 0xFFFFFFFF
    for byte in content:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return base64.b64encode((crc ^ 0xFFFFFFFF).to_bytes(4, "big")).decode()


@pytest.mark.parametrize(
    ("content", "crc32c"),
    [(b"123456789", "4waSgw=="), (b"", "AAAAAA=="), (HEADER + 1000 * ROW, _crc32c(HEADER + 1000 * ROW))],
    ids=["digits", "nothing", "list"],
)
@pytest.mark.parametrize("block", [7, MIB])
def test_crc32c_is_written_as_google_writes_it(content: bytes, crc32c: str, block: int):
    checksums = Checksums()
    for start in range(0, len(content), block):
        checksums.update(content[start : start + block])
    assert checksums.crc32c == crc32c == _crc32c(content)


def test_md5_is_written_as_google_writes_it():
    checksums = Checksums()
    checksums.update(b"123456789")
    assert checksums.md5 == base64.b64encode(bytes.fromhex("25f9e794323b453885f5181f1b624d0b")).decode()
