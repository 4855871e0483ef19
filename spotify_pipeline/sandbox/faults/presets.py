"""Named faults, each with the codes of the requirements it stands for.

``F01`` to ``F33`` are the faults of an upload that a server can cause; the rest are of sign-in, of the Ads API and of
the event host. The functions that make them are in ``upload_faults``, ``api_faults`` and ``capi_faults``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from pydantic import ValidationError, validate_call

from spotify_pipeline.sandbox.faults.api_faults import API_FAULTS
from spotify_pipeline.sandbox.faults.event_faults import CAPI_FAULTS
from spotify_pipeline.sandbox.faults.model import Fault, FaultInvalid, sentence_of
from spotify_pipeline.sandbox.faults.upload_faults import UPLOAD_FAULTS

_OF_THE_REQUEST = ("operation", "kind", "nth", "times", "since", "share", "seed")


@dataclass(frozen=True)
class Preset:
    """A named fault: its codes and the function that makes it."""

    name: str
    codes: tuple[str, ...]
    make: Callable[..., Fault]

    @property
    def title(self) -> str:
        """What it is, in one line: the function's docstring."""
        return (self.make.__doc__ or "").strip().partition("\n")[0].rstrip(".").replace("``", "`")

    @property
    def options(self) -> dict[str, object]:
        """Its own options and what they are if nothing is said."""
        return {name: option.default for name, option in inspect.signature(self.make).parameters.items()}

    def fault(self, options: Mapping[str, object]) -> Fault:
        """The fault with these options, its own and those of :meth:`named_fault`.

        Raises:
            FaultInvalid: an option is unknown or has a value it cannot have.
        """
        allowed = (*self.options, *_OF_THE_REQUEST)
        unknown = [name for name in options if name not in allowed]
        if unknown:
            raise FaultInvalid(f"{self.name} has no option {unknown[0]}; it has {', '.join(allowed)}.")
        own = {name: value for name, value in options.items() if name not in _OF_THE_REQUEST}
        request = {name: value for name, value in options.items() if name in _OF_THE_REQUEST}
        try:
            made = validate_call(self.make)(**own)
            return Fault.model_validate(
                {
                    **{name: getattr(made, name) for name in type(made).model_fields},
                    "name": self.name,
                    "codes": self.codes,
                    **request,
                }
            )
        except ValidationError as error:
            raise FaultInvalid(f"{self.name}: {sentence_of(error)}") from None


PRESETS: dict[str, Preset] = {
    name: Preset(name, codes, make) for name, (codes, make) in {**UPLOAD_FAULTS, **API_FAULTS, **CAPI_FAULTS}.items()
}


def named_fault(name: str, **options: object) -> Fault:
    """The fault of this name, for instance ``named_fault("F05", stored=262144, nth=3)``.

    ``operation``, ``kind``, ``nth``, ``times``, ``since``, ``share`` and ``seed`` replace the preset's own; other
    options are the preset's.

    Raises:
        FaultInvalid: there is no such preset or option, or an option has a value it cannot have.
    """
    preset = PRESETS.get(name)
    if preset is None:
        raise FaultInvalid(f"There is no fault named {name!r}; there are {', '.join(PRESETS)}.")
    return preset.fault(options)


def read_fault(document: object) -> Fault:
    """A fault from its JSON form: a preset's ``{"name": ...}`` with options, or one with actions of its own.

    Raises:
        FaultInvalid: the document is neither.
    """
    if not isinstance(document, dict):
        raise FaultInvalid("A fault is a JSON object.")
    fields = cast("dict[str, object]", document)
    if "name" in fields and not {"before", "midway", "after", "mixture"} & set(fields):
        return named_fault(str(fields["name"]), **{name: value for name, value in fields.items() if name != "name"})
    try:
        return Fault.model_validate(fields)
    except ValidationError as error:
        raise FaultInvalid(sentence_of(error)) from None
