"""What this room raises, and how it keeps personal data out of it."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager

from spotify_pipeline.home import HomeError


class CustomerListError(Exception):
    """A customer list cannot be built, trusted or found; the message says why and what to do.

    The message holds counts, column names, file names and line numbers. It never holds a value.
    """


@contextmanager
def withheld_errors(task: str) -> Generator[None]:
    """Replace whatever a library raises while it handles personal data.

    The messages of Polars, Arrow and codecs may quote the cell they stumbled on, and Dagster stores messages together
    with their causes. Only the name of the exception's class passes.

    Args:
        task: what was being done, as the start of a sentence, such as ``"Building the customer list"``.

    Raises:
        CustomerListError: in place of any exception other than this project's own.
    """
    try:
        yield
    except (CustomerListError, HomeError):
        raise
    except Exception as error:  # noqa: BLE001 - any library's message may quote a value
        # pyarrow raises OSError for broken files too, without a number.
        number = error.errno if isinstance(error, OSError) else None
        if number is None:
            remark = f"{type(error).__name__}. Its message is withheld: it may quote personal data"
        else:
            remark = f"{os.strerror(number)}. Free some space or check the directory's owner, then run again"
        raise CustomerListError(f"{task} stopped: {remark}.") from None
