"""The calls of one step: each a line of its log while it runs, a row of its table afterwards, and in its receipts."""

from __future__ import annotations

import dagster as dg

from spotify_pipeline.components.run_log.calls import calls_metadata, new_call_log
from spotify_pipeline.spotify import CallRecord


class StepCalls:
    """An observer of a client's calls."""

    def __init__(self, context: dg.AssetExecutionContext) -> None:
        self._log = context.log
        self._retried = context.retry_number
        self._calls = new_call_log()
        self._trace_ids: list[str] = []

    def __call__(self, call: CallRecord) -> None:
        self._log.info(str(call))
        self._calls(call)
        if call.trace_id:
            self._trace_ids.append(call.trace_id)

    def trace_ids(self) -> list[str]:
        """Of Spotify's answers so far, as receipts name them."""
        return self._trace_ids

    def shown(self) -> dict[str, dg.MetadataValue]:
        """The table of the calls so far, and their totals in words."""
        return calls_metadata(self._calls, retried=self._retried)
