"""What goes wrong with the rows of a warehouse, and how personal data is kept out of the message."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager

from spotify_pipeline.errors import ExpectedError
from spotify_pipeline.home import HomeError


class RowsError(ExpectedError):
    """Rows of the warehouse, or what was made of them, cannot be used; the message says why and what to do.

    The message holds counts, column names, file names and line numbers. It never holds a value.
    """


@contextmanager
def withheld_errors(task: str, *, raised: type[Exception] = RowsError) -> Generator[None]:
    """Replace whatever a library raises while it handles personal data.

    The messages of Polars, Arrow and codecs may quote the cell they stumbled on, and Dagster stores messages together
    with their causes. Only the name of the exception's class passes.

    Args:
        task: what was being done, as the start of a sentence, such as ``"Building the customer list"``.
        raised: the kind of error that takes the place of any exception other than this project's own.
    """
    try:
        yield
    except (RowsError, HomeError, raised):
        raise
    except Exception as error:  # noqa: BLE001 - any library's message may quote a value
        # pyarrow raises OSError for broken files too, without a number.
        number = error.errno if isinstance(error, OSError) else None
        if number is None:
            remark = f"{type(error).__name__}. Its message is withheld: it may quote personal data"
        else:
            remark = f"{os.strerror(number)}. Free some space or check the directory's owner, then run again"
        raise raised(f"{task} stopped: {remark}.") from None
