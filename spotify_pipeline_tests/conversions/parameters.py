"""What the connectors for Spotify's API call things, and what becomes of it here: the table of the documents.

Columns: the parameter, what it is here (a key of the feed's YAML, or a name that Spotify takes), and a remark. Where
there is no equivalent, the second is None and the remark says what to do.
"""

from __future__ import annotations

TODAY: list[tuple[str, str | None, str]] = [
    ("capi_connection_id", "connection_id", "a UUID, one for the feed"),
    ("event_name", "event_name", "a column with `names`, or one value; any spelling is read, the API's own is sent"),
    ("event_id", "event_id", "required: a column unchanged, or a hash of several; also what a pixel must send"),
    ("event_time", "event_time", "required; sent in UTC with milliseconds, never in the future"),
    ("user_data.hashed_emails", "identifiers.email", "hashed here; several are sent, each once"),
    ("user_data.hashed_phone_number", "identifiers.phone", "hashed here; the first usable one, as text"),
    ("user_data.device_id", "identifiers.device_id", "sent as it is, so one that is already hashed is not sent"),
    ("user_data.ip_address", "ip_address", "sent as it is; private, loopback and reserved ones are not sent"),
    ("user_data.user_agent", None, "the API has no such parameter"),
    ("event_details.currency", "currency", "a current ISO 4217 code; required with an amount"),
    ("event_details.amount", "amount", "a decimal, never rounded; required for a purchase unless the YAML allows none"),
    ("event_details.content_category", "content_category", "the number in Google's product taxonomy, not its words"),
    ("event_details.content_name", "content_name", "unchanged, but trimmed"),
    ("event_source_url", "event_source_url", "http or https; the query and the fragment are cut off"),
    ("action_source", "action_source", "WEB, APP or OFFLINE, in any case"),
    ("opt_out_targeting", "opt_out", "true for people who opted out; or the event is dropped, by the policy"),
]
"""Every parameter of the API, which Hightouch's and Freshpaint's connectors hand through under the same names."""

TEALIUM: list[tuple[str, str | None, str]] = [
    ("Conversion Tracker ID", "connection_id", "today a connection, which you create yourself"),
    ("OAuth token", "token", "today a token of the connection"),
    ("Event Name", "event_name", "the names below are read unchanged"),
    ("Event Time", "event_time", "required; Tealium used the time of sending if there was none"),
    ("Email Address", "identifiers.email", "hashed here; was the only identifier"),
    ("Hashed Email Address", "identifiers.email", "a digest is sent unchanged"),
    ("Amount", "amount", "required for a purchase, as before"),
    ("Currency", "currency", "required for a purchase, as before"),
    ("Content Category", "content_category", "the number in Google's product taxonomy"),
    ("Content Name", "content_name", "unchanged, but trimmed"),
    ("Event Source URL", "event_source_url", "http or https; its domain is no longer verified"),
    ("Action Source", "action_source", "WEB, APP or OFFLINE"),
    ("Opt Out Targeting", "opt_out", "true for people who opted out"),
]
"""Tealium's connector for version 1 of the API (2023), which Spotify has switched off."""

TEALIUM_NAMES: list[tuple[str, str | None, str]] = [
    ("Page Views", "VIEW", "read unchanged"),
    ("Complete Registration", "SIGN_UP", "read unchanged"),
    ("Add to Cart", "ADD_TO_CART", "read unchanged"),
    ("Check Out", "CHECK_OUT", "read unchanged"),
    ("Purchase", "PURCHASE", "read unchanged"),
    ("Lead", "LEAD", "read unchanged"),
    ("Search", None, "a dead letter (unknown_name) until `names` maps it to a CUSTOM_EVENT_n"),
    ("Subscribe", None, "a dead letter (unknown_name) until `names` maps it to a CUSTOM_EVENT_n"),
]
"""Names of events in Tealium's connector."""

SPELLINGS: list[tuple[str, str | None, str]] = [
    ("view, PAGE_VIEWS, Page_View", "VIEW", "Pixel, reports, Stape"),
    ("product, PRODUCTS, View_Product", "PRODUCT", "Pixel, reports, Stape"),
    ("checkout, CHECKOUT, START_CHECKOUT", "CHECK_OUT", "Pixel, diagnostics, reports and Stape"),
    ("addtocart, ADDTOCART, Add_Cart", "ADD_TO_CART", "Pixel, diagnostics, Stape"),
    ("purchase, PURCHASES", "PURCHASE", "Pixel, reports"),
    ("lead, LEADS", "LEAD", "Pixel, reports"),
    ("signup, SIGNUP, SIGN_UPS, Sign_Up", "SIGN_UP", "Pixel, diagnostics, reports, Stape"),
    ("alias", "ALIAS", "Pixel, Stape"),
    *((f"custom_event_{n}", f"CUSTOM_EVENT_{n}", "Pixel") for n in range(1, 6)),
    ("CLICK", None, "only in diagnostics: not an event that can be sent"),
]
"""Other spellings of Spotify's own and of Stape's tag."""

TABLES = {
    "Parameters of the API": TODAY,
    "Tealium's parameters (version 1)": TEALIUM,
    "Tealium's names of events (version 1)": TEALIUM_NAMES,
    "Other spellings": SPELLINGS,
}


def as_markdown(table: list[tuple[str, str | None, str]]) -> str:
    """The table as it stands in docs/reference/event-parameters.md."""
    lines = [f"| {name} | {f'`{here}`' if here else '–'} | {remark} |" for name, here, remark in table]
    return "\n".join(["| there | here | |", "|---|---|---|", *lines])
