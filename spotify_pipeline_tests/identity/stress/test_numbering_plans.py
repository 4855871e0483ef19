"""Every start of a number, in every region and after a plus: read without the library as the library reads it."""

from __future__ import annotations

import random

import phonenumbers

from spotify_pipeline_tests.identity.comparison import assert_library_agrees, rows_of

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)


def test_starts_of_numbers_in_every_region() -> None:
    rnd = random.Random(7)
    for region in REGIONS:
        pairs: list[tuple[str, str | None]] = [
            (f"{start:03}" + "".join(rnd.choices("0123456789", k=rnd.randrange(0, 13))), region)
            for start in range(rnd.randrange(2), 1000, 2)
        ]
        assert assert_library_agrees(rows_of(pairs)) == 0


def test_every_start_of_a_number_after_a_plus() -> None:
    rnd = random.Random(11)
    starts = [f"+{start:04}" + "".join(rnd.choices("0123456789", k=rnd.randrange(0, 13))) for start in range(10_000)]
    assert assert_library_agrees(rows_of([(value, None) for value in starts])) == 0
    # With a region, an unknown country code may still be read as dialled there: only the library knows.
    assert_library_agrees(rows_of([(value, rnd.choice(REGIONS)) for value in starts]))
