"""Names of events: Spotify's own, its other spellings, older connectors', and the YAML's."""

from __future__ import annotations

import polars as pl
import pytest

from spotify_pipeline.conversions.model.plan import Constant
from spotify_pipeline.conversions.validation.event_names import spotify_name
from spotify_pipeline.spotify import CAPI_EVENT_NAMES
from spotify_pipeline_tests.conversions.validating import bodies, body, outcome, outcomes, plan_with, verdict

SPELLINGS = {
    "VIEW": ["view", "VIEW", "PAGE_VIEWS", "Page Views", "Page_View", "page view"],
    "PRODUCT": ["product", "PRODUCTS", "View_Product"],
    "CHECK_OUT": ["checkout", "CHECKOUT", "START_CHECKOUT", "Start_Checkout", "Check Out", "check-out"],
    "ADD_TO_CART": ["addtocart", "ADDTOCART", "add_to_cart", "Add to Cart", "Add_Cart", "AddToCart"],
    "PURCHASE": ["purchase", "PURCHASES", "Purchase", " Purchase\t"],
    "LEAD": ["lead", "LEADS", "Lead"],
    "SIGN_UP": ["signup", "SIGNUP", "SIGN_UPS", "Sign_Up", "Complete Registration", "CompleteRegistration"],
    "ALIAS": ["alias", "Alias"],
    "CUSTOM_EVENT_1": ["custom_event_1", "CUSTOM_EVENT_1", "CustomEvent1"],
    "CUSTOM_EVENT_5": ["custom_event_5", "Custom Event 5"],
}
NAMES = {
    "order_completed": "PURCHASE",
    "Heartbeat": None,
    "Search": "CUSTOM_EVENT_2",
    "basket": "ADDTOCART",
    "odd": "ODD",
}


@pytest.mark.parametrize("name", list(SPELLINGS))
def test_every_spelling_is_sent_as_the_api_takes_it(name: str) -> None:
    assert {each["event_name"] for each in bodies(event=SPELLINGS[name])} == {name}


def test_own_names_are_read_as_themselves() -> None:
    assert spotify_name(pl.Series(CAPI_EVENT_NAMES)).to_list() == list(CAPI_EVENT_NAMES)
    assert len(CAPI_EVENT_NAMES) == 13


def test_what_spotify_has_no_event_for_is_a_dead_letter() -> None:
    unknown = ["Search", "Subscribe", "CLICK", "CUSTOM_EVENT_6", "ſign_up", "PURCHASE!", "", None, "null"]
    assert set(outcomes(event=unknown)) == {("dead", "unknown_name", "event_name")}
    assert verdict(event="Search")["event_name"] is None


def test_names_of_the_yaml_go_first() -> None:
    raw = ["order_completed", " Order_Completed ", "search", "basket", "purchase"]
    sent = ["PURCHASE", "PURCHASE", "CUSTOM_EVENT_2", "ADD_TO_CART", "PURCHASE"]
    assert [each["event_name"] for each in bodies(plan_with(names=NAMES), event=raw)] == sent


def test_a_name_that_is_not_wanted_is_filtered() -> None:
    assert outcome(plan_with(names=NAMES), event="heartbeat") == ("filtered", "not_wanted", None)
    assert outcome(plan_with(names={**NAMES, "heartbeat": "LEAD"}), event="heartbeat") == ("pending", None, None)
    assert outcome(plan_with(names={"VIEW": None}), event="VIEW") == ("filtered", "not_wanted", None)
    assert outcome(plan_with(names=NAMES), event="odd") == ("dead", "unknown_name", "event_name")


def test_one_name_for_all() -> None:
    assert body(plan_with(event_name=Constant("Lead")), event="PURCHASE")["event_name"] == "LEAD"
