"""How often each data error occurs in the demo's tables. The generator draws from this table.

Each mapping splits values into kinds, each drawn with its share; what is left to 1.0 is ``clean``. The comment above a
mapping names the rows that the shares are of. ``dbt_project/README.md`` shows the same table; a test compares the
actual shares with these.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

CLEAN: Final = "clean"

# Customer numbers, whatever else is true of them.
CUSTOMERS: Final[Mapping[str, float]] = {
    "duplicate_account": 0.015,  # the same person again under the next customer number, spelled differently
    "loaded_twice": 0.01,  # a stale row of the same customer number, from an earlier load, beside the newest
}

# Customers by the way they signed up. Those of the app never gave an e-mail or a phone number.
SIGN_UP: Final[Mapping[str, float]] = {"app": 0.12, "partner": 0.18}  # clean: by e-mail

# The e-mail of those who did not sign up in the app.
EMAIL: Final[Mapping[str, float]] = {
    "missing": 0.03,
    "blank": 0.01,
    "upper_case": 0.08,
    "mixed_case": 0.06,
    "padded": 0.04,  # ASCII white space
    "no_break_space": 0.01,
    "byte_order_mark": 0.005,
    "zero_width": 0.005,
    "non_ascii": 0.005,
    "invalid": 0.015,
    "sha256_lower": 0.01,
    "sha256_upper": 0.005,
    "sha256_of_nothing": 0.001,
    "md5": 0.004,
}

# A second address, of those who did not sign up in the app. Each one is then spelled with the shares of EMAIL.
SECOND_EMAIL: Final[Mapping[str, float]] = {"same_again": 0.04, "other": 0.14}  # clean: no second address

# The phone number of those who did not sign up in the app.
PHONE: Final[Mapping[str, float]] = {
    "missing": 0.12,
    "blank": 0.02,
    "national": 0.34,
    "international": 0.22,
    "dialled_abroad": 0.04,  # 00 or the like in place of the plus sign
    "extension": 0.005,
    "padded": 0.02,  # ASCII, no-break and zero-width
    "too_short": 0.01,
    "too_long": 0.005,
    "words": 0.01,
    "sha256_lower": 0.006,
    "sha256_upper": 0.003,
    "md5": 0.003,
}

# The country of every customer, on which reading a national phone number depends.
COUNTRY: Final[Mapping[str, float]] = {"missing": 0.03, "lower_case": 0.05, "padded": 0.01}

# The advertising identifier of every customer's device.
DEVICE_ID: Final[Mapping[str, float]] = {
    "missing": 0.10,
    "upper_case": 0.30,
    "no_hyphens": 0.08,
    "zeroed": 0.06,  # limited ad tracking
    "padded": 0.01,
    "invalid": 0.01,
    "sha256_lower": 0.01,
    "sha256_upper": 0.005,
    "sha1": 0.004,
}

# One answer to a question for consent.
CONSENT: Final[Mapping[str, float]] = {"refused": 0.29, "unknown": 0.05}  # clean: granted

# How often a person answered for one channel. Later answers count, whatever order they are stored in.
ANSWERS: Final[Mapping[str, float]] = {"none": 0.06, "twice": 0.22, "three_times": 0.08, "twice_at_once": 0.005}

# What happened in the web shop. Clean: an order was paid.
SHOP_EVENT: Final[Mapping[str, float]] = {
    "trial_started": 0.10,
    "test_order": 0.01,  # of the shop's own people; never anybody's purchase
    "order_refunded": 0.005,  # a kind that the feed does not know
}

# How a shop event is written down, whatever happened.
SHOP_ROW: Final[Mapping[str, float]] = {
    "twice": 0.01,  # the row was loaded twice
    "no_time": 0.002,
    "no_number": 0.001,
    "category_in_words": 0.01,
    "page_without_scheme": 0.005,
    "currency_in_words": 0.005,
    "no_amount": 0.005,
    "currency_lower_case": 0.03,
}
