"""Events of the canaries: what a shop writes down of them, in every dirt, and where it should not.

They happened on one past day, so that none is too old; those of ``MISPLACED`` today, where rows without a usable time
are read, too.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from spotify_pipeline_tests.stress.leaks.segments import PEOPLE

DAY = (datetime.now(UTC) - timedelta(days=2)).date().isoformat()
"""Whose events they are, in UTC."""
START = (datetime.now(UTC) - timedelta(days=10)).date().isoformat()

_NUMBER = "(phone_number % 1000)"
_HAS_ADDRESS = f"{_NUMBER} % 16 <> 10"
"""One dirt of addresses holds a name, and no address."""
_PLACE = f"{_NUMBER} % 8"
_COLUMNS = f"""'order-' || {_NUMBER} AS order_id, TIMESTAMPTZ '{DAY} 12:00:00+00' AS ordered_at, 'PURCHASE' AS kind,
    email, phone, country, device_id, ip_address, agreed, {_NUMBER} % 7 = 0 AS opted_out, '19.90' AS total,
    'SEK' AS currency, 'Shoes' AS content, '187' AS category, 'https://shop.example.com/thanks' AS page,
    'web' AS source"""


def orders(*replaced: str, source: str = PEOPLE, also: str = "") -> str:
    """The query of an order for each person; ``replaced`` are columns in place of those of the same name."""
    other = f"REPLACE ({', '.join(replaced)})" if replaced else ""
    return f"SELECT * {other} FROM (SELECT {_COLUMNS}, phone_number FROM {source}) AS orders {also}"


TELLING_ID, TELLING_CONTENT, TELLING_PAGE, TELLING_FRAGMENT = 1, 2, 3, 5
TELLING = orders(
    f"CASE WHEN {_PLACE} = {TELLING_ID} AND {_HAS_ADDRESS} THEN email ELSE order_id END AS order_id",
    f"CASE WHEN {_PLACE} = {TELLING_CONTENT} AND {_HAS_ADDRESS} THEN 'For ' || email ELSE content END AS content",
    f"""CASE WHEN NOT {_HAS_ADDRESS} THEN page
    WHEN {_PLACE} = {TELLING_PAGE} THEN page || '?mail=' || replace(email, '@', if({_NUMBER} % 3 = 0, '%40', '@'))
    WHEN {_PLACE} = {TELLING_FRAGMENT} THEN page || '#' || email ELSE page END AS page""",
)
"""Every dirt, and addresses in ids, in names of contents, and in addresses of pages."""

_WRONG = ("kind", "total", "currency", "category", "page", "source", "order_id")
MISPLACED = orders(
    f"""CASE WHEN {_NUMBER} % 8 = 7 THEN email
    ELSE strftime(date_trunc('day', now() AT TIME ZONE 'UTC'), '%Y-%m-%dT%H:%M:%SZ') END AS ordered_at""",
    # A wrong source alone is only left out, so the name of those events is wrong, too.
    f"CASE WHEN {_NUMBER} % 8 IN (0, {_WRONG.index('source')}) THEN email ELSE kind END AS kind",
    *(
        f"CASE WHEN {_NUMBER} % 8 = {place} THEN email ELSE {name} END AS {name}"
        for place, name in enumerate(_WRONG)
        if name != "kind"
    ),
    also=f"WHERE {_HAS_ADDRESS}",
)
"""In each row one column holds an address that should hold something else."""

FEW = orders("'yes' AS agreed", also=f"WHERE {_NUMBER} < 16")
FEW_OTHERS = orders("'yes' AS agreed", f"'other-' || {_NUMBER} AS order_id", also=f"WHERE {_NUMBER} < 16")

BROKEN = {
    "broken_cast": orders("CAST(email AS INTEGER)::VARCHAR AS email"),
    "broken_time": orders("CAST(email AS TIMESTAMPTZ) AS ordered_at"),
    "broken_said": orders("error('cannot use ' || email || ip_address) AS order_id"),
}


def feed(view: str, more: str = "") -> str:
    """The YAML of a feed of one of these views."""
    return f"""
type: spotify_pipeline.ConversionFeed
attributes:
  events: {{table: crm.{view}, consent_column: agreed}}
  event_name: kind
  event_id: order_id
  event_time: ordered_at
  identifiers:
    email: email
    phone: {{column: phone, region_column: country, default_region: GB}}
    device_id: device_id
  ip_address: ip_address
  amount: total
  currency: currency
  content_name: content
  content_category: category
  event_source_url: page
  action_source: source
  opt_out: opted_out
  start: {START}
{more}"""


AT_MOST_ONCE = "  delivery: {batch: 5, guarantee: at_most_once}\n"
SMALL_BATCHES = "  delivery: {batch: 5}\n"
