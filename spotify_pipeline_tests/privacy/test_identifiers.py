"""What somebody types becomes digests, or is refused by its line alone."""

from __future__ import annotations

import hashlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotify_pipeline.privacy import ErasureError, GivenIdentifier, UnusableLines, read_identifiers

DEVICE = "6f9619ff-8b86-d011-b42d-00c04fc964ff"
DIGEST_OF_NOTHING = hashlib.sha256(b"").hexdigest()


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def read(*lines: str | bytes, region: str | None = None, end: bytes = b"\n") -> list[GivenIdentifier]:
    raw = [line.encode() if isinstance(line, str) else line for line in lines]
    return read_identifiers(io.BytesIO(end.join(raw)), region=region)


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_each_kind_is_told_by_its_look(end: bytes) -> None:
    found = read(" Ada@Example.COM ", "+46 70 174 06 05", DEVICE, DEVICE.replace("-", "").upper(), sha("x"), end=end)
    assert [(each.line, each.given_as, each.digests) for each in found] == [
        (1, "email", (sha("ada@example.com"),)),
        (2, "phone", (sha("+46701740605"),)),
        (3, "device_id", (sha(DEVICE), sha(DEVICE.upper()))),
        (4, "device_id", (sha(DEVICE), sha(DEVICE.upper()))),
        (5, "digest", (sha("x"),)),
    ]


def test_each_kind_may_be_named() -> None:
    found = read("email:ada@example.com", "PHONE : +46701740605", f"device_id: {DEVICE}", f"digest:{sha('x').upper()}")
    assert [each.given_as for each in found] == ["email", "phone", "device_id", "digest"]
    assert [each.digests[0] for each in found] == [sha("ada@example.com"), sha("+46701740605"), sha(DEVICE), sha("x")]


@pytest.mark.parametrize(
    "number", ["46701740605.0", "'46701740605.0;", '"46701740605,0"', "4.6701740605E+10", "\u202a+46701740605.0\u202c"]
)
def test_a_number_that_was_a_float_is_the_number_that_lists_hold(number: str) -> None:
    for line in (number, f"phone: {number}"):
        (found,) = read(line, region="SE")
        assert (found.given_as, found.digests) == ("phone", (sha("+46701740605"),))


@pytest.mark.parametrize("number", ["46701740605.5", "4.67017E10", "4670174060e1", "46701740605, 46701740606"])
def test_a_number_that_lost_digits_is_refused_not_taken_for_anothers(number: str) -> None:
    with pytest.raises(UnusableLines, match="line 1: not a valid phone"):
        read(number, region="SE")


def test_quotes_braces_and_marks_of_direction_around_a_value_are_passed_over() -> None:
    device = f"{{{DEVICE.upper()}}}"
    found = read("\u2066'Ada@example.com'\u2069", device, f'"{device}"', f"device_id: {device}", f'"{sha("x")}"')
    assert [(each.given_as, each.digests[0]) for each in found] == [
        ("email", sha("ada@example.com")),
        *[("device_id", sha(DEVICE))] * 3,
        ("digest", sha("x")),
    ]


def test_a_digest_of_a_kind_is_taken_as_it_is() -> None:
    assert [each.digests for each in read(f"email:{sha('a')}", f"phone: {sha('b')}")] == [(sha("a"),), (sha("b"),)]


def test_a_number_without_its_country_needs_the_region() -> None:
    assert read("070-174 06 05", region="se")[0].digests == (sha("+46701740605"),)
    with pytest.raises(UnusableLines, match=r"line 1: a phone number without its country.*--region"):
        read("070-174 06 05")


def test_blank_lines_count_and_are_passed_over() -> None:
    assert [each.line for each in read("", "ada@example.com", "  ", "\ufeff", "bob@example.com", "")] == [2, 5]


@pytest.mark.parametrize("nothing", [b"", b"\n \n"])
def test_no_identifier_at_all_is_refused(nothing: bytes) -> None:
    with pytest.raises(ErasureError, match="no identifier in the input"):
        read_identifiers(io.BytesIO(nothing))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"canary\xff\xfe@example.com", "not UTF-8 text"),
        (b"canary" + b"x" * 10_240 + b"@example.com", "longer than 1000 bytes"),
        (b"canary\x00@example.com", "control character"),
        (b"+46701\x00740605", "control character"),
        (b"phone:canary\x1b[31m", "control character"),
        (b"canary at example.com", "not recognized as an e-mail address, phone number, device id or digest"),
        (b"canary 0701740605", "not recognized"),
        (b"email:canary", "not a valid email"),
        (b"{canary@example.com}", "not a valid email"),
        (b'["canary@example.com"]', "not a valid email"),
        (b"digest:canary@example.com", "not a digest: 64 hex digits are"),
        (b"canary@@example.com", "not a valid email"),
        (b"canary\xf0\x9f\x98\x80,@example.com", "not a valid email"),
        (b"device_id:canary", "not a valid device id"),
        (b"phone:canary", "not a valid phone"),
        (b"digest:canary", "not a digest: 64 hex digits are"),
        (b"email:", "nothing after the colon"),
        (b"phone:  ", "nothing after the colon"),
        (DIGEST_OF_NOTHING.encode(), "the digest of an empty value"),
        (b"00000000-0000-0000-0000-000000000000", "the all-zero device id"),
        (b"email:" + b"c0" * 20, "a hash, but no SHA-256"),
    ],
)
def test_p11_a_line_is_refused_by_its_number_and_never_shown(line: bytes, reason: str) -> None:
    with pytest.raises(UnusableLines) as caught:
        read("ada@example.com", line, "bob@example.com")
    assert reason in str(caught.value)
    assert [number for number, _ in caught.value.problems] == [2]
    shown = str(caught.value) + repr(caught.value) + repr(caught.value.problems)
    assert not any(part in shown for part in ("canary", "example.com", "701", "c0c0", DIGEST_OF_NOTHING[:12]))
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_all_bad_lines_are_named_up_to_twenty() -> None:
    with pytest.raises(UnusableLines, match=r"^line 1: .*; line 20: [^;]*; [^;]*; and 10 more\. Nothing was"):
        read(*["x"] * 30)


def test_a_line_at_the_limit_is_read_and_one_beyond_is_not() -> None:
    padded = b"ada@example.com".ljust(1000)
    for end in (b"\n", b"\r\n"):
        assert [each.line for each in read(padded, padded, end=end)] == [1, 2]
        with pytest.raises(UnusableLines) as caught:
            read(padded, padded + b" ", padded, end=end)
        assert [number for number, _ in caught.value.problems] == [2]


def test_what_is_printed_of_an_identifier_is_not_it() -> None:
    (identifier,) = read("ada@example.com")
    assert "withheld" in repr(identifier)
    assert not {"ada", sha("ada@example.com")[:12]} & set(repr(identifier).replace("'", " ").split())


@given(st.lists(st.binary(max_size=40).filter(lambda line: b"\n" not in line), max_size=6))
def test_p11_any_bytes_are_read_or_refused_by_lines(lines: list[bytes]) -> None:
    try:
        found = read_identifiers(io.BytesIO(b"\n".join(lines)), region="SE")
    except UnusableLines as error:
        assert {number for number, _ in error.problems} <= set(range(1, len(lines) + 1))  # noqa: PT017
    except ErasureError:
        pass
    else:
        assert all(len(each) == 64 for identifier in found for each in identifier.digests)
