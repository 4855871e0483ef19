"""The class of a warehouse that a project names, made with the options that it states."""

from __future__ import annotations

import inspect
from collections.abc import Mapping

from spotify_pipeline.dotted import named
from spotify_pipeline.warehouse.errors import SegmentError
from spotify_pipeline.warehouse.warehouse import Warehouse

CLASS = "class"
"""The key of the class's dotted path; all others are options."""


def warehouse_class(stated: Mapping[str, object]) -> type[Warehouse]:
    """The class, if it can be made with these options; whether their values serve is known when it is used.

    Raises:
        ValueError: there is none, it is no warehouse, lacks a method, or takes other options.
    """
    path = str(stated[CLASS])
    kind = named(path)
    if not isinstance(kind, type) or not issubclass(kind, Warehouse):
        raise ValueError(f"{path} is no subclass of spotify_pipeline.warehouse.Warehouse")  # noqa: TRY004
    if inspect.isabstract(kind):
        raise ValueError(f"{path} lacks the method {', '.join(sorted(kind.__abstractmethods__))}")
    takes = inspect.signature(kind)
    try:
        takes.bind(**_options(stated))
    except TypeError as unfit:  # of names, not of values
        raise ValueError(f"the options do not fit {path}: {unfit}. It takes {takes}") from None
    return kind


def chosen_warehouse(stated: Mapping[str, object]) -> Warehouse:
    """The warehouse, not open.

    Raises:
        SegmentError: it cannot be made; no value of an option is quoted.
    """
    try:
        kind = warehouse_class(stated)
    except ValueError as unfit:
        raise SegmentError(f"The connection's warehouse: {unfit}. Nothing was sent.") from None
    try:
        return kind(**_options(stated))
    except Exception as error:  # noqa: BLE001 - whatever a class does with its options, which may be credentials
        raise SegmentError(
            f"The connection's warehouse: {stated[CLASS]} cannot be made with its options ({type(error).__name__}; the "
            "message is withheld because it may quote one). Nothing was sent."
        ) from None


def _options(stated: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in stated.items() if name != CLASS}
