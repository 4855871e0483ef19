"""Guards that a project adds: they hold lists back, and nothing that they do lets one through."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings

from spotify_pipeline.mirror import MirrorRefused
from spotify_pipeline.mirror.guards import (
    GUARDS,
    ApprovalOf,
    ApprovalSource,
    ApprovedChange,
    ApprovedRules,
    Decision,
    Finding,
    Guard,
    GuardBlocked,
    GuardFacts,
    GuardLimits,
    GuardUnusable,
    Limit,
    LimitKind,
    Outcome,
    block_message,
    change_within,
    decide,
    guard_limits,
    own_guards,
)
from spotify_pipeline_tests.examples import examples
from spotify_pipeline_tests.mirror.guards.facts import (
    ACCOUNT,
    AUDIENCE,
    OTHER,
    approval,
    compared,
    decided,
    facts,
    manifest,
)
from spotify_pipeline_tests.mirror.guards.machine import Machine
from spotify_pipeline_tests.mirror.guards.names import GuardName
from spotify_pipeline_tests.mirror.guards.test_properties import any_facts, limits

MOST = Limit(field="agreed_rows", kind=LimitKind.COUNT, default=5_000, meaning="the most rows that were agreed")
SECRET = "kim.doe@example.com"


class AgreedSize(Guard):
    """More people than were agreed."""

    name = "agreed size"
    limit = MOST
    approvals = frozenset({ApprovalOf.FILE, ApprovalOf.CHANGE})

    def judge(self, facts: GuardFacts, limits: GuardLimits) -> Finding:
        rows, most = facts.manifest.list_rows, limits[MOST]
        return self.found(
            beyond={"rows": Fraction(rows - most, most)} if rows > most else {},
            figure=f"{rows:,} rows",
            limit=f"at most {most:,} rows",
            sentence=f"The list has {rows:,} rows, and {most:,} were agreed.",
        )


class Final(AgreedSize):
    """The same, and nobody can approve it."""

    approvals = frozenset()

    def judge(self, facts: GuardFacts, limits: GuardLimits) -> Finding:
        return replace(super().judge(facts, limits), beyond={})


def judged(about: GuardFacts, guard: Guard | None = None, /, **changes: Any) -> Decision:
    own = (guard or AgreedSize(),)
    by = changes.pop("limits", None) or guard_limits(own)
    word = changes.pop("given", None)
    return decide(about, by, audience=AUDIENCE, ad_account_id=ACCOUNT, approval=word, own_guards=own)


def test_a_guard_of_a_project_is_asked_after_ours_and_stands_in_the_receipt():
    decision = judged(facts(6_000))
    assert [each.guard for each in decision.findings] == [*GuardName, "agreed size"]
    assert [each.guard for each in decision.blocked_by] == ["agreed size"]
    stored = json.loads(json.dumps(decision.to_json()))
    assert stored["limits"]["agreed_rows"] == 5_000
    assert stored["findings"][-1]["sentence"] == "The list has 6,000 rows, and 5,000 were agreed."
    assert judged(facts(5_000)).allowed
    assert not judged(facts(5_000), limits=guard_limits((AgreedSize(),), agreed_rows=4_999)).allowed


def test_a_refusal_by_it_says_what_why_and_what_to_do():
    assert block_message(judged(facts(6_000))) == (
        "The list of lapsed for 2026-11-16 is held back. [agreed size] The list has 6,000 rows, and 5,000 were agreed. "
        "Nothing was sent; the audience at Spotify is as it was. If the list is right all the same, run: "
        'spotify-pipeline approve lapsed --file-digest a1a1a1a1a1a1 --reason "...", then materialize '
        "lapsed/spotify_audience for 2026-11-16. If it is the change that is right, whatever list comes next: "
        'spotify-pipeline approve lapsed --change --reason "...".'
    )
    assert block_message(judged(facts(6_000), Final())).endswith("No approval can override: agreed size.")


@settings(max_examples=examples(40, 100))
@given(any_facts(), limits())
def test_it_makes_a_decision_stricter_and_changes_nothing_else(about: GuardFacts, by: GuardLimits):
    own = GuardLimits({**by.values, MOST.field: 1_000})
    for word in (None, approval()):
        ours, both = decided(about, by, given=word), judged(about, limits=own, given=word)
        assert both.findings[: len(GUARDS)] == ours.findings
        assert both.allowed <= ours.allowed
        assert (both.approval, both.final) == (ours.approval, ours.final)


def test_an_approval_of_the_file_overrides_it_unless_it_is_final():
    assert judged(facts(6_000), given=approval()).findings[-1].outcome is Outcome.OVERRIDDEN
    assert not judged(facts(6_000), Final(), given=approval()).allowed
    assert judged(facts(6_000), Final()).final == {*decided(facts()).final, "agreed size"}


def test_an_approval_of_other_rules_or_a_rollback_overrides_it_only_where_it_says_so():
    moved = compared(manifest(6_000, rules_version=2), manifest(6_000, sha256=OTHER))
    rules = approval(file_sha256=None, rules=ApprovedRules(before=1, now=2))
    rollback = approval(source=ApprovalSource.ROLLBACK)
    for word, kind in ((rules, ApprovalOf.RULES), (rollback, ApprovalOf.ROLLBACK)):
        widened = AgreedSize()
        cast("Any", widened).approvals = AgreedSize.approvals | {kind}
        assert not judged(moved, given=word).allowed
        assert judged(moved, widened, given=word).allowed


def test_an_approval_of_a_change_covers_the_share_that_it_measured_and_nothing_of_ours():
    about = compared(6_000, 6_000)
    change = change_within(judged(about), 0.05, OTHER)
    assert change == ApprovedChange(live_sha256=OTHER, within={"agreed size": {"rows": 0.25}})
    word = approval(file_sha256=None, change=change)
    assert judged(about, given=word).allowed
    assert not judged(compared(6_300, 6_300), given=word).allowed
    assert not judged(compared(6_000, 60_000), given=word).allowed
    assert change_within(judged(about, Final()), 0.05, OTHER) is None


class Meddling(AgreedSize):
    """Changes what it is given."""

    def judge(self, facts: GuardFacts, limits: GuardLimits) -> Finding:
        cast("dict[str, int]", facts.manifest.digests).clear()
        cast("dict[str, Any]", limits.values)["max_shrink"] = 99.0
        object.__setattr__(facts, "erased_rows", 0)
        return self.found(figure="nothing", limit="nothing")


def test_what_it_does_to_its_facts_reaches_nobody():
    about = facts(manifest(6_000), erased_rows=30)
    decision = judged(about, Meddling())
    assert about.manifest.digests == {"email": 6_000}
    assert about.erased_rows == 30
    assert decision.limits == guard_limits((Meddling(),))
    assert [each.guard for each in decision.blocked_by] == [GuardName.ERASED]


class Raising(AgreedSize):
    """Fails, and says what it should not."""

    def judge(self, _facts: GuardFacts, _limits: GuardLimits) -> Finding:
        raise LookupError(SECRET)


def test_w13_one_that_raises_holds_the_list_back_and_quotes_nothing(tmp_path: Path):
    machine = Machine(tmp_path)
    own = (Raising(),)
    stored = machine.build(range(100), "2026-11-16")
    with pytest.raises(GuardBlocked) as blocked:
        machine.judge(stored, own_guards=own, limits=guard_limits(own, min_rows=10))
    path = f"{Raising.__module__}.Raising"
    assert str(blocked.value) == (
        "Whether the list of lapsed for 2026-11-16 may be sent could not be judged: The guard agreed size "
        f"({path}) failed with LookupError. Its message is withheld: it may quote data. Nothing was sent; the audience "
        "at Spotify is as it was. Fix that, then run again."
    )
    assert SECRET not in repr(blocked.value.__context__)


@pytest.mark.parametrize(
    ("flaw", "told"),
    [
        pytest.param(lambda _: None, "return self.found(...)", id="nothing"),
        pytest.param(lambda each: replace(each, guard="shrink"), "return self.found(...)", id="the name of ours"),
        pytest.param(lambda each: replace(each, outcome=Outcome.OVERRIDDEN), "return self.found(...)", id="overridden"),
        pytest.param(lambda each: replace(each, outcome="fine"), "return self.found(...)", id="an outcome of its own"),
        pytest.param(lambda each: replace(each, figure=""), "say something", id="no figure"),
        pytest.param(lambda each: replace(each, sentence=""), "say something", id="no sentence"),
        pytest.param(lambda each: replace(each, limit=7), "printable texts", id="a number"),
        pytest.param(lambda each: replace(each, sentence="a\x1b[2J"), "printable texts", id="a terminal's command"),
        pytest.param(lambda each: replace(each, beyond={"rows": float("nan")}), "finite numbers", id="not a number"),
        pytest.param(lambda each: replace(each, beyond={"rows": -1.0}), "finite numbers", id="below nothing"),
        pytest.param(lambda each: replace(each, outcome=Outcome.PASSED), "only what blocks", id="beyond and passed"),
    ],
)
def test_w13_one_whose_finding_is_none_holds_the_list_back(flaw: Callable[[Finding], Any], told: str):
    class Odd(AgreedSize):
        def judge(self, facts: GuardFacts, limits: GuardLimits) -> Finding:
            return flaw(super().judge(facts, limits))

    with pytest.raises(MirrorRefused, match="gave no finding that can be used") as refused:
        judged(facts(6_000), Odd())
    assert told in str(refused.value)


MODULE = '''
from spotify_pipeline.mirror.guards import ApprovalOf, Guard, Limit, LimitKind

class Fine(Guard):
    """Why."""
    name = "fine"
    def judge(self, facts, limits):
        return self.found(figure="a", limit="b")

def named(name, **more):
    return type(Fine)("Made", (Fine,), {"name": name, "__module__": __name__, "__qualname__": "Fine.Made", **more})

def limited(field):
    return named("limited", limit=Limit(field=field, kind=LimitKind.COUNT, default=1, meaning="m"))

Again = named("fine")
Ours = named("shrink")
Shouting = named("Shrink")
Nameless = named(None)
OurField = limited("max_shrink")
OddField = limited("Max Shrink")
OneField, SameField = limited("most"), named("other", limit=limited("most").limit)
NoLimit = named("no limit", limit=5)
OddApprovals = named("odd", approvals={ApprovalOf.FILE})
HalfApprovals = named("half", approvals=frozenset({ApprovalOf.RULES}))
class NoJudge(Guard):
    name = "no judge"
class Demanding(Fine):
    def __init__(self, must): ...
NoGuard = dict
'''


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_project.py").write_text(MODULE)
    (tmp_path / "broken_project.py").write_text(f"raise RuntimeError('{SECRET}')")
    (tmp_path / "lacking_project.py").write_text("import no_such_library")
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["Fine", "Again"], "there is a guard called fine already, own_project.Fine. Give it another name."),
        (["Ours"], "there is a guard called shrink already, one of this package. Give it another name."),
        (["Shouting"], "state its name: up to 40 small letters, digits and spaces"),
        (["Nameless"], "state its name"),
        (
            ["OurField"],
            "max_shrink is the limit of the guard shrink already, one of this package. Call its field otherwise.",
        ),
        (["OddField"], "written with up to 63 small letters"),
        (["OneField", "SameField"], "most is the limit of the guard limited already, own_project.Fine.Made."),
        (["NoLimit"], "its limit is no Limit("),
        (["OddApprovals"], "its approvals are no frozenset of ApprovalOf"),
        (["HalfApprovals"], "its approvals lack ApprovalOf.FILE"),
        (["NoJudge"], "it has no method judge(self, facts, limits)."),
        (["Demanding"], "it cannot be made without arguments: TypeError."),
        (["NoGuard"], "it is no subclass of spotify_pipeline.mirror.guards.Guard."),
        (["Absent"], "own_project has no Absent. Correct the path."),
    ],
)
def test_one_that_cannot_be_used_is_refused_by_its_path(names: list[str], told: str):
    with pytest.raises(GuardUnusable) as refused:
        own_guards([f"own_project.{name}" for name in names])
    assert refused.value.at == len(names) - 1
    assert str(refused.value).startswith(f"The guard own_project.{names[-1]} cannot be used: ")
    assert told in str(refused.value)


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("Weekend", "Weekend is not a dotted path, such as my_project.segments.vips."),
        ("no_such_project.guards.Weekend", "there is no module no_such_project."),
        ("lacking_project.Weekend", "there is no module no_such_library."),
        ("broken_project.Weekend", "importing broken_project fails with RuntimeError."),
    ],
)
def test_one_that_is_not_found_is_refused_and_nothing_is_quoted(path: str, told: str):
    with pytest.raises(GuardUnusable) as refused:
        own_guards([path])
    assert told in str(refused.value)
    assert SECRET not in str(refused.value)


@pytest.mark.usefixtures("project")
def test_those_that_can_be_used_come_in_the_order_in_which_they_are_named():
    assert [each.name for each in own_guards(["own_project.OneField", "own_project.Fine"])] == ["limited", "fine"]
    assert own_guards([]) == ()


def test_a_limit_that_nobody_knows_or_that_is_missing_is_a_mistake_of_the_caller():
    class Asking(AgreedSize):
        limit = Limit[int](field="agreed_rows", kind=LimitKind.COUNT, meaning="the most rows")

    with pytest.raises(TypeError, match="There is no limit agreed_rows"):
        guard_limits(agreed_rows=1)
    with pytest.raises(TypeError, match="agreed_rows must be stated"):
        guard_limits((Asking(),))
