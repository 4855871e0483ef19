"""The base of everything that stands in YAML: nothing unknown, and a JSON schema that gives each mistake its own words.

`dg check defs` holds a file against the JSON schema before the models see it. Of a union it can only say "not valid
under any of the given schemas", so the schema made here has none: an optional setting is simply one that may be left
out, and a short form stands beside the long one as another allowed type.
"""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema


class StrictModel(BaseModel):
    """A frozen model that forbids unknown keys and takes descriptions from its fields' docstrings."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    short_forms: ClassVar[dict[str, Any]] = {}
    """JSON schema of what may stand in place of the mapping, such as `{"type": "string"}`."""

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        reference = handler(core_schema)
        schema = handler.resolve_ref_schema(reference)
        for name, value in schema.get("properties", {}).items():
            schema["properties"][name] = _without_null(value)
        if cls.short_forms:
            also = cls.short_forms["type"]
            schema["type"] = ["object", *([also] if isinstance(also, str) else also)]
            schema.update({key: value for key, value in cls.short_forms.items() if key != "type"})
        return reference


def _without_null(schema: JsonSchemaValue) -> JsonSchemaValue:
    options = [option for option in schema.get("anyOf", []) if option != {"type": "null"}]
    if len(options) != 1:
        return schema
    rest = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
    return {**options[0], **rest}
