"""Every text that an error shows somewhere."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Iterator

from spotify_pipeline.spotify import SpotifyError


def texts_of(error: BaseException | None) -> Iterator[str]:
    while error is not None:
        yield from (
            str(error),
            repr(error),
            "".join(traceback.format_exception(error)),
            repr(vars(error)),
            repr(error.args),
        )
        if isinstance(error, SpotifyError):
            yield pickle.dumps(error).decode("latin-1")
        error = error.__cause__ or error.__context__  # the context too, though `from None` hides it from tracebacks
