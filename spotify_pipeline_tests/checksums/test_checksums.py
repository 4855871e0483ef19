from __future__ import annotations

import base64

import pytest

from spotify_pipeline.checksums import Crc32c, FileChecksums

MIB = 1024 * 1024
HEADER = b"EMAIL_ID_SHA256\n"
ROW = b"831f6494ad6be4fcb3a724c3d5fef22d3ceffa3c62ef3a7984e45a0ea177f982\n"


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
    checksum, checksums = Crc32c(), FileChecksums()
    for start in range(0, len(content), block):
        checksum.update(content[start : start + block])
        checksums.update(content[start : start + block])
    assert checksum.base64 == checksums.crc32c == crc32c == _crc32c(content)


def test_md5_is_written_as_google_writes_it():
    checksums = FileChecksums()
    checksums.update(b"123456789")
    assert checksums.md5 == base64.b64encode(bytes.fromhex("25f9e794323b453885f5181f1b624d0b")).decode()


def test_sha256_of_a_file_is_the_hex_that_sha256sum_prints():
    checksums = FileChecksums()
    checksums.update(b"1234")
    checksums.update(b"56789")
    assert checksums.sha256 == "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"
    assert (checksums.bytes, checksums.crc32c) == (9, "4waSgw==")
