"""P22: personal data in ids, content names and addresses of pages is found, however it is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import quote

import pytest

from spotify_pipeline_tests.conversions.validating import outcome, outcomes

ID = ("dead", "event_id_unusable", "event_id")
NAME = ("dead", "content_name_unusable", "content_name")
PAGE = ("dead", "url_unusable", "event_source_url")
DEVICE = "c0ffee00-1111-4222-8333-7ca0a27ca0a2"

PERSONAL = [
    "x@example.com",
    "x%40example.com",
    "x%2540example.com",
    "x%252540example%25252ecom",
    "x\uff20example.com",
    "x%EF%BC%A0example.com",
    "x\ufe6bexample\uff0ecom",
    "x&#64;example.com",
    "x&commat;example.com",
    "x\u200b@\u200bexample.com",
    "x(at)example.com",
    "+46701234567",
    "+46-70-123-45-67",
    "+46.70.123.45.67",
    "+46(0)70/1234567",
    "(+46)701234567",
    "%2B46701234567",
    "%252B46%2D70%2D1234567",
    "\uff0b\uff14\uff16\uff17\uff10\uff11\uff12\uff13\uff14\uff15\uff16\uff17",
    "+\u0664\u0666\u0667\u0660\u0661\u0662\u0663\u0664\u0665\u0666\u0667",
    "+46\u201170\u2011123\u201145\u201167",
    "+12025550143",
    "0046-70-123-45-67",
    "tel:0701234567",
    "tel%3A070-123-45-67",
    f"idfa={DEVICE}",
    f"device_id:{DEVICE.upper()}",
    f"gaid/{DEVICE.replace('-', '')}",
]
SPACED = [
    "Call +46 70 123 45 67",
    "Call +46 (0)70 - 123 45 67",
    "0046 70 123 45 67",
    "x @ example.com",
    "x [at] example.com",
]
HARMLESS = [
    "order-20261115",
    "4006381333931",
    "0012345678905",
    "00000123456",
    "0701234567",
    "978-3-16-148410-0",
    "123-4567890-1234567",
    "2026-11-15",
    "7ca0a27c-1111-4222-8333-c0ffee00c0ff",
    f"sku-{DEVICE}",
    "iphone+12345678",
    "a+b+20261115",
    "+123456",
    "+1234567890123456",
    "@shop",
    "v1.2.3",
    "0.0.4.6.7.0",
    "100%25",
    "7ca0a27c" * 8,
]


def found_in(texts: Sequence[str], as_page: Callable[[str], str] = str) -> dict[str, tuple[object, ...]]:
    """What becomes of an event that has each text as its id, its content's name, and in the address of its page."""
    pages = outcomes(url=[f"https://example.com/u/{as_page(each)}" for each in texts])
    return dict(zip(texts, zip(outcomes(order_id=texts), outcomes(title=texts), pages, strict=True), strict=True))


@pytest.mark.parametrize("around", ["{}", "o:{}", "a/{}/b?c=d"])
def test_p22_personal_data_is_found_in_ids_names_and_pages_however_it_is_written(around: str) -> None:
    found = found_in([around.format(each) for each in PERSONAL])
    assert {each[:2] for each in found.values()} == {(ID, NAME)}
    # What stands behind a number sign is cut off, and so is sent nowhere.
    assert {page for text, (*_, page) in found.items() if "#" not in text} == {PAGE}


def test_p22_personal_data_is_found_amid_words() -> None:
    assert set(outcomes(title=[f"For {each}, soon" for each in PERSONAL])) == {NAME}


def test_p22_blanks_between_hide_nothing() -> None:
    assert set(found_in(SPACED, quote).values()) == {(ID, NAME, PAGE)}


def test_p22_what_only_looks_like_personal_data_is_sent() -> None:
    assert set(outcomes(order_id=HARMLESS)) == {("pending", None, None)}
    assert set(outcomes(title=HARMLESS)) == {("pending", None, None)}
    assert set(outcomes(url=[f"https://example.com/p/{each}" for each in HARMLESS])) == {("pending", None, None)}


@pytest.mark.parametrize("written", ["0701234567", "070-123 45 67", "46701234567", "070%201234567", "00 4670 1234567"])
def test_p22_the_row_s_own_phone_number_is_found_without_its_prefix(written: str) -> None:
    assert outcome(title=f"Call {written}", phone="+46701234567") == NAME
    assert outcome(order_id=f"o-{written}", phone="+46 70-123 45 67") == ID
    assert outcome(title=f"Call {written}", phone="+46701740606")[0] == "pending" or written.startswith("00 ")


@pytest.mark.parametrize(
    "written", [DEVICE, DEVICE.upper(), DEVICE.replace("-", ""), quote(DEVICE).replace("-", "%2D")]
)
def test_p22_the_row_s_own_device_id_is_found(written: str) -> None:
    assert outcome(title=f"On {written}", device=DEVICE) == NAME
    assert outcome(url=f"https://example.com/app/{written}", device=DEVICE) == PAGE
    assert outcome(order_id=written, device=DEVICE.upper()) == ID
    assert outcome(order_id=written, device="c0ffee00-1111-4222-8333-000000000001")[0] == "pending"


@pytest.mark.stress
@pytest.mark.parametrize(
    "phone",
    [
        "46701234567.0",
        "'46701234567,00;",
        "4.6701234567E10",
        "\u0664\u0666\u0667\u0660\u0661\u0662\u0663\u0664\u0665\u0666\u0667.\u0660",
        "+46701234567 ext. 12",
        ["46701234567.0"],
        ["+46846500421", None, "070-123 45 67"],
    ],
)
def test_p22_the_row_s_own_phone_number_is_found_as_it_is_read(phone: object) -> None:
    assert outcome(title="Call 0701234567", phone=phone) == NAME
    assert outcome(order_id="o-46701234567", phone=phone) == ID
    assert outcome(title="Call 0701234560", phone=phone)[0] == "pending"


@pytest.mark.parametrize("device", [[DEVICE], ["?", f"{{{DEVICE}}}"], bytes.fromhex(DEVICE.replace("-", ""))])
def test_p22_the_row_s_own_device_id_is_found_as_it_is_read(device: object) -> None:
    assert outcome(title=f"On {DEVICE}", device=device) == NAME
    assert outcome(order_id=DEVICE.upper(), device=device) == ID
