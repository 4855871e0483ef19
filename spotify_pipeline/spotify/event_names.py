"""Translates between the spellings of an event's name. Pure.

Spotify spells one event in several ways: ``ADD_TO_CART`` where events are sent (the Conversions API), ``ADDTOCART``
in audiences and diagnostics (``SignalEventType`` of the OpenAPI document), ``add_to_cart`` and ``addtocart`` in
examples; its reports and connectors have further names. Case and what is between words (``_``, ``-``, blanks or
nothing) are ignored here.
"""

from __future__ import annotations

CAPI_EVENT_NAMES = (
    "VIEW",
    "PRODUCT",
    "ADD_TO_CART",
    "CHECK_OUT",
    "PURCHASE",
    "LEAD",
    "SIGN_UP",
    "ALIAS",
    *(f"CUSTOM_EVENT_{number}" for number in range(1, 6)),
)
"""As events are sent. The Conversions API lists no ``ALIAS``, but accepts and counts it."""

_ONLY_SIGNALS = ("CLICK",)  # audiences and diagnostics know it; it cannot be sent
_BETWEEN_WORDS = str.maketrans("", "", "_- ")
_OTHER_NAMES = {
    "PAGEVIEW": "VIEW",
    "PAGEVIEWS": "VIEW",
    "PRODUCTS": "PRODUCT",
    "VIEWPRODUCT": "PRODUCT",
    "STARTCHECKOUT": "CHECK_OUT",
    "ADDCART": "ADD_TO_CART",
    "PURCHASES": "PURCHASE",
    "LEADS": "LEAD",
    "SIGNUPS": "SIGN_UP",
    "COMPLETEREGISTRATION": "SIGN_UP",
}


def _bare(name: str) -> str:
    plain = name.strip()
    # A letter beyond ASCII may have an upper case that is an ASCII letter.
    return plain.translate(_BETWEEN_WORDS).upper() if plain.isascii() else ""


_AS_SENT = {_bare(name): name for name in (*CAPI_EVENT_NAMES, *_ONLY_SIGNALS)} | _OTHER_NAMES


def sent_event_name(name: str) -> str | None:
    """``name`` as the Conversions API accepts it (``ADD_TO_CART``); None where it does not accept the event.

    Those include Search and Subscribe of its v1.
    """
    found = _AS_SENT.get(_bare(name))
    return None if found in _ONLY_SIGNALS else found


def capi_event_name(name: str) -> str:
    """``name`` as the Conversions API spells it (``ADD_TO_CART``); an unknown name stays as it is."""
    return _AS_SENT.get(_bare(name), name)


def signal_event_name(name: str) -> str:
    """``name`` as audiences spell it (``ADDTOCART``); an unknown name stays as it is."""
    found = _AS_SENT.get(_bare(name))
    if found is None:
        return name
    return found if found.startswith("CUSTOM_EVENT_") else _bare(found)


def is_signal(name: str) -> bool:
    """Whether it is one of Spotify's events, in any spelling."""
    return _bare(name) in _AS_SENT
