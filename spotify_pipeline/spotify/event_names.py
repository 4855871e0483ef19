"""The spellings of an event's name. Pure.

Spotify spells one event in several ways: ``ADD_TO_CART`` where events are sent (the Conversions API), ``ADDTOCART``
in audiences and diagnostics (``SignalEventType`` of the OpenAPI document), ``add_to_cart`` and ``addtocart`` in
examples. Case and underscores mean nothing here.
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
"""As events are sent. ``ALIAS`` is in no list of the Conversions API, but it is accepted and counted."""

_ONLY_SIGNALS = ("CLICK",)  # audiences and diagnostics know it; it cannot be sent


def _bare(name: str) -> str:
    return name.strip().replace("_", "").upper()


_AS_SENT = {_bare(name): name for name in (*CAPI_EVENT_NAMES, *_ONLY_SIGNALS)}
_AS_SIGNAL = {bare: name if name.startswith("CUSTOM_EVENT_") else bare for bare, name in _AS_SENT.items()}


def capi_event_name(name: str) -> str:
    """``name`` as the Conversions API spells it (``ADD_TO_CART``); a name that nobody knows stays as it is."""
    return _AS_SENT.get(_bare(name), name)


def signal_event_name(name: str) -> str:
    """``name`` as audiences spell it (``ADDTOCART``); a name that nobody knows stays as it is."""
    return _AS_SIGNAL.get(_bare(name), name)


def is_signal(name: str) -> bool:
    """Whether it is one of Spotify's events, in any spelling."""
    return _bare(name) in _AS_SENT
