"""The class that a project names as its warehouse: refused where it cannot serve, its options never quoted."""

from __future__ import annotations

import sys
import traceback
from types import ModuleType

import pyarrow as pa
import pytest

from spotify_pipeline.warehouse import Relation, SegmentError, Warehouse, chosen_warehouse, warehouse_class
from spotify_pipeline_tests.warehouse.in_memory import InMemoryWarehouse

SECRET = "canary-password"


class Fails(InMemoryWarehouse):
    """Quotes its options wherever it can."""

    def __init__(self, *, password: str, when: str = "made") -> None:
        super().__init__({"people": pa.table({"email": ["a@example.com"]})})
        self.password, self.when = password, when
        self._fail("made")

    def open(self) -> None:
        self._fail("opened")

    def close(self) -> None:
        self._fail("closed")

    def _fail(self, now: str) -> None:
        if self.when == now:
            raise RuntimeError(self.password)


class Half(Warehouse):
    """Only knows how to count."""

    def count(self, *_: object) -> int:
        return 0


@pytest.fixture(autouse=True)
def shop(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("shop_warehouse")
    module.__dict__.update(Fails=Fails, Half=Half, text="text")
    monkeypatch.setitem(sys.modules, "shop_warehouse", module)


@pytest.mark.parametrize(
    ("stated", "sentence"),
    [
        ({"class": "no_such_shop.Mine"}, "there is no module no_such_shop"),
        ({"class": "shop_warehouse.Mine"}, "shop_warehouse has no Mine"),
        ({"class": "shop_warehouse.text"}, "is no subclass of spotify_pipeline.warehouse.Warehouse"),
        ({"class": "pathlib.Path"}, "is no subclass of"),
        ({"class": "shop_warehouse.Half"}, "lacks the method batches, newest, schema"),
        ({"class": "shop_warehouse.Fails"}, "missing a required .*argument: 'password'"),
        ({"class": "shop_warehouse.Fails", "password": SECRET, "pasword": SECRET}, "unexpected keyword argument"),
    ],
)
def test_a_class_that_cannot_serve_is_refused(stated: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence) as refused:
        warehouse_class(stated)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("when", ["made", "opened"])
def test_what_fails_with_an_option_does_not_quote_it(when: str) -> None:
    with (
        pytest.raises(SegmentError, match="RuntimeError; the message is withheld") as refused,
        chosen_warehouse({"class": "shop_warehouse.Fails", "password": SECRET, "when": when}),
    ):
        pass
    assert SECRET not in "".join(traceback.format_exception(refused.value))


def test_what_was_read_is_not_lost_where_closing_fails() -> None:
    with chosen_warehouse({"class": "shop_warehouse.Fails", "password": SECRET, "when": "closed"}) as warehouse:
        assert warehouse.count(Relation(("people",))) == 1
