"""What `spotify-pipeline doctor` says of the accounts and authorizations that the audiences' YAML names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from spotify_pipeline.cli.doctor.check_result import CheckResult, State
from spotify_pipeline.cli.doctor.readiness import Audiences, readiness
from spotify_pipeline.cli.errors import CommandError
from spotify_pipeline.cli.project import AudienceAccount, audience_accounts
from spotify_pipeline.sandbox import DEFAULTS, SandboxServer
from spotify_pipeline.spotify import TokenStore
from spotify_pipeline.state import StateStore
from spotify_pipeline_tests.cli.conftest import Run
from spotify_pipeline_tests.components.runs import PEOPLE, definitions_of

OTHER_BUSINESS = "b0000000-0000-4000-8000-0000000000ff"
OPEN = AudienceAccount(None, None)


def looked_at(name: str, *targets: AudienceAccount) -> CheckResult:
    return result(name, lambda: {f"audience {number}": target for number, target in enumerate(targets)})


def result(name: str, audiences: Audiences) -> CheckResult:
    (check,) = [each for each in readiness(audiences) if each.name == name]
    return check.look()


@pytest.fixture
def store(run: Run, spotify: SandboxServer, tmp_path: Path) -> TokenStore:
    """Signed in as `default`."""
    assert run("businesses").code == 0
    return TokenStore(StateStore.in_home(tmp_path / "home"))


def change(store: TokenStore, **changes: str) -> None:
    (signed_in,) = store.all()
    with store.exclusive() as tokens:
        tokens.save(replace(signed_in, **changes))


@pytest.mark.e2e
def test_yaml_says_which_account_and_which_authorization_an_audience_uses() -> None:
    account = PEOPLE.replace("name: People", f"name: There\n  ad_account_id: {DEFAULTS.ad_account_id}")
    label = PEOPLE.replace("name: People", "name: Nordic\n  authorization: nordic")
    assert audience_accounts(definitions_of({"people": PEOPLE, "there": account, "nordic": label})) == {
        "people": OPEN,
        "there": AudienceAccount(DEFAULTS.ad_account_id, None),
        "nordic": AudienceAccount(None, "nordic"),
    }


def test_authorization_that_an_audience_names_is_looked_at_beside_the_environments(store: TokenStore) -> None:
    found = looked_at("sign-in", OPEN, AudienceAccount(None, "nordic"))
    assert found.state is State.FAILED
    assert "Run `spotify-pipeline login --label nordic`." in found.sentence
    assert "signed in as `default`" in found.sentence
    only_named = looked_at("sign-in", AudienceAccount(None, "nordic"))
    assert only_named.state is State.FAILED
    assert "default" not in only_named.sentence


def test_authorization_that_an_audience_names_is_the_one_its_account_is_asked_with(store: TokenStore) -> None:
    change(store, label="nordic")
    nordic = AudienceAccount(DEFAULTS.ad_account_id, "nordic")
    for name in ("sign-in", "ad accounts"):
        found = looked_at(name, nordic)
        assert found.state is State.OK, found.sentence
        assert "`nordic`" in found.sentence


def test_restriction_to_another_business_fails(store: TokenStore) -> None:
    change(store, label="nordic", business_id=OTHER_BUSINESS)
    found = looked_at("ad accounts", OPEN, AudienceAccount(None, "nordic"))
    assert found.state is State.FAILED
    words = f"belongs to the business {DEFAULTS.business_id}, and `nordic` is for {OTHER_BUSINESS} only."
    assert words in found.sentence
    change_nothing = looked_at("ad accounts", OPEN)
    assert change_nothing.state is State.OK


def test_restriction_to_the_accounts_own_business_is_ok(store: TokenStore) -> None:
    change(store, business_id=DEFAULTS.business_id.upper())
    assert looked_at("ad accounts", OPEN).state is State.OK


def test_every_account_in_use_is_looked_at_and_the_worst_decides(store: TokenStore) -> None:
    found = looked_at("ad accounts", OPEN, AudienceAccount(DEFAULTS.viewer_ad_account_id, None))
    assert found.state is State.FAILED
    assert "Ask its administrator for the role AD_ACCOUNT_CONTRIBUTOR" in found.sentence
    assert DEFAULTS.ad_account_id in found.sentence
    assert looked_at("ad accounts").state is State.OK  # no audience yet: the default account


def test_yaml_that_is_wrong_does_not_hide_how_the_sign_in_stands(store: TokenStore) -> None:
    def wrong() -> dict[str, AudienceAccount]:
        raise CommandError("line 3 is wrong")

    assert result("sign-in", wrong).state is State.OK
    assert result("audiences' YAML", wrong) == CheckResult(State.FAILED, "line 3 is wrong")
