"""The base of all YAML models: refuses unknown fields, with a JSON schema that gives each mistake its own error.

`dg check defs` holds a file against the JSON schema before the models see it. Of a union it can only say "not valid
under any of the given schemas", so the schema made here has none: an optional setting is simply one that may be left
out, and a short form is another allowed type besides the long one. A bare yes or no passes as text, for of that
the models say more.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any, ClassVar, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    GetJsonSchemaHandler,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, ErrorDetails, InitErrorDetails

WITHOUT_SOURCE: dict[str, Any] = {"use_attribute_docstrings": False}
"""``__cls_kwargs__`` of ``create_model``: pydantic would look for the docstrings of what has no source in every frame,
a third of the time that it takes to import this project."""
_NO_BOOLEAN = frozenset({"string_type", "list_type", "dict_type", "model_type", "model_attributes_type", "date_type"})
_QUOTE_IT = "quote it: YAML reads it as true or false, as it does yes, no, on, off, true and false without quotes"


class StrictModel(BaseModel):
    """A frozen model that forbids unknown keys and takes descriptions from its fields' docstrings."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    short_forms: ClassVar[dict[str, Any]] = {}
    """JSON schema of what may replace the mapping, such as `{"type": "string"}`."""

    @model_validator(mode="wrap")
    @classmethod
    def _say_what_is_allowed(cls, value: object, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(value)
        except ValidationError as error:
            details = [_with_allowed(detail, list(cls.model_fields)) for detail in error.errors()]
            raise ValidationError.from_exception_data(error.title, details) from None

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        reference = handler(core_schema)
        schema = handler.resolve_ref_schema(reference)
        for name, value in schema.get("properties", {}).items():
            schema["properties"][name] = _with_bare_words(_without_null(value))
        if cls.short_forms:
            also = cls.short_forms["type"]
            schema["type"] = ["object", *([also] if isinstance(also, str) else also)]
            schema.update({key: value for key, value in cls.short_forms.items() if key != "type"})
            schema.update(_with_bare_words(schema))
        return reference


def _with_allowed(detail: ErrorDetails, allowed: list[str]) -> InitErrorDetails:
    """The error as it was; that of an unknown key with the keys there are, that of a bare yes or no with its cause."""
    kind, context = detail["type"], detail.get("ctx", {})
    if isinstance(detail["input"], bool) and kind in _NO_BOOLEAN:
        kind, context = "value_error", {"error": ValueError(_QUOTE_IT)}
    if kind == "extra_forbidden" and len(detail["loc"]) == 1:
        # Dagster raises the error again with file and line, and can do so for pydantic's own types only.
        kind, context = "value_error", {"error": ValueError(no_such_field(str(detail["loc"][0]), allowed))}
    return InitErrorDetails(type=kind, loc=detail["loc"], input=detail["input"], ctx=context)


def no_such_field(name: str, allowed: Sequence[str]) -> str:
    """What is said of a key that no field has: the one that was probably meant, and all there are."""
    near = difflib.get_close_matches(name, allowed, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"no such field.{hint} Allowed: {', '.join(allowed)}"


def _without_null(schema: JsonSchemaValue) -> JsonSchemaValue:
    options = [option for option in schema.get("anyOf", []) if option != {"type": "null"}]
    if len(options) != 1:
        return schema
    rest = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
    return {**options[0], **rest}


def _with_bare_words(schema: JsonSchemaValue) -> JsonSchemaValue:
    """The schema of a text, with which a yes or no without quotes goes on to the model, which knows what went wrong."""
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    wider = {**schema, "type": [*kinds, "boolean"]} if "string" in kinds and "enum" not in schema else schema
    return {**wider, "items": _with_bare_words(schema["items"])} if "items" in schema else wider
