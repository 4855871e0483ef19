"""`spotify-pipeline digest`: one line out for each line in."""

from __future__ import annotations

import pytest

from spotify_pipeline_tests.cli.conftest import Run

USER = "b4c9a289323b21a01c3e940f150eb9b8c542587f1abfd8f0e1cc1ffc5e475514"
PHONE = "50389806e2857c36e22b0a1ed1e7df8606ebc0e931f6c083e73486f7a87d9a9f"


def test_each_line_gets_its_verdict_in_order(run: Run) -> None:
    stdin = b" User@Example.COM \n\nnobody\nuser@example.com\r\n" + USER.upper().encode() + b"\nuser@example.com"
    ran = run("digest", "--type", "email", stdin=stdin)
    assert ran.out.splitlines() == [
        f"digest\t{USER}",
        "rejected\tmissing",
        "rejected\tinvalid",
        f"digest\t{USER}",
        f"digest\t{USER}",
        f"digest\t{USER}",
    ]
    assert ran.code == 0


def test_bytes_that_are_no_text_are_invalid_and_shift_nothing(run: Run) -> None:
    ran = run("digest", "--type", "email", stdin=b"\xff\xfe@example.com\nuser@example.com\n")
    assert ran.out == f"rejected\tinvalid\ndigest\t{USER}\n"


@pytest.mark.parametrize(("region", "verdict"), [("US", f"digest\t{PHONE}"), ("us", f"digest\t{PHONE}")])
def test_a_national_number_needs_its_region(run: Run, region: str, verdict: str) -> None:
    assert run("digest", "--type", "phone", "--region", region, stdin=b"(415) 555-1234\n").out == f"{verdict}\n"
    assert run("digest", "--type", "phone", stdin=b"(415) 555-1234\n").out == "rejected\tno_region\n"


@pytest.mark.parametrize("number", ["(415) 555-1234.0", "14155551234.0", "1.4155551234E10", '"+14155551234"'])
def test_a_number_that_was_a_float_is_the_number_without_its_fraction(run: Run, number: str) -> None:
    ran = run("digest", "--type", "phone", "--region", "US", stdin=f"{number}\n".encode())
    assert ran.out == f"digest\t{PHONE}\n"
    assert run("digest", "--type", "phone", "--region", "US", stdin=b"1.41555E10\n").out == "rejected\tinvalid\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--type", "mail"), "'email', 'phone', 'device_id'"),
        (("--type", "phone", "--region", "Sweden"), "not a two-letter country code, such as SE"),
        (("--type", "email", "--region", "SE"), "a region goes with --type phone"),
        ((), "Missing option '--type'"),
    ],
)
def test_a_wrong_option_says_what_is_right(run: Run, arguments: tuple[str, ...], sentence: str) -> None:
    ran = run("digest", *arguments)
    assert ran.code == 2
    assert sentence in " ".join(ran.err.replace("│", " ").split())


def test_no_input_is_no_output(run: Run) -> None:
    ran = run("digest", "--type", "email")
    assert (ran.out, ran.err, ran.code) == ("", "", 0)


def test_many_lines_are_taken_in_blocks(run: Run) -> None:
    ran = run("digest", "--type", "email", stdin=b"user@example.com\n" * 25_000)
    assert ran.out == f"digest\t{USER}\n" * 25_000
