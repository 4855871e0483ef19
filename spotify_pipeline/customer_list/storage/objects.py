"""The objects of one bucket, over obstore. Credentials come from the environment, as each cloud's own tools do it."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from spotify_pipeline.home import HomeError
from spotify_pipeline.retries import BUCKET_REQUEST

if TYPE_CHECKING:
    from obstore.store import ObjectStore

SCHEMES = ("s3", "gs", "az")
_PART_BYTES = 8 << 20
_PARTS_AT_ONCE = 2


class BucketError(HomeError):
    """The bucket of lists cannot be used; the message names it and says what to do."""


@dataclass(frozen=True)
class FoundObject:
    """An object: its name below the bucket's folder, its size in bytes, when it was written, and its version."""

    name: str
    size: int
    written_at: datetime
    e_tag: str | None


class ObjectStorage:
    """The objects below one URL. No request is made before the first use."""

    def __init__(self, url: str) -> None:
        """``url``: ``s3://bucket/folder``, ``gs://...`` or ``az://...``, as :func:`is_bucket` takes it."""
        self.url = url.rstrip("/")

    def __str__(self) -> str:
        return self.url

    def listed(self, folder: str) -> Iterator[FoundObject]:
        """All objects in a folder and in those below it."""
        import obstore

        with self._errors():
            for found in obstore.list(self._store, f"{folder}/" if folder else None):
                for each in found:
                    yield FoundObject(each["path"], each["size"], each["last_modified"], each["e_tag"])

    def head(self, name: str) -> FoundObject:
        """One object, without its content.

        Raises:
            FileNotFoundError: there is none.
        """
        import obstore

        with self._errors():
            each = obstore.head(self._store, name)
            return FoundObject(name, each["size"], each["last_modified"], each["e_tag"])

    def read(self, name: str, start: int, end: int, e_tag: str | None = None) -> bytes:
        """The bytes from ``start`` up to, not including, ``end``; of that version, where one is given.

        Raises:
            FileNotFoundError: there is no such object, or it is another one by now.
        """
        import obstore

        with self._errors():
            found = obstore.get(self._store, name, options={"range": (start, end), "if_match": e_tag})
            return bytes(found.bytes())

    def content(self, name: str) -> bytes:
        """A small object, whole.

        Raises:
            FileNotFoundError: there is none.
        """
        import obstore

        with self._errors():
            return bytes(obstore.get(self._store, name).bytes())

    def put(self, name: str, content: bytes | Path | Iterable[bytes]) -> None:
        """Write an object, in place of any other of the name: whole, or, where reading ``content`` raises, not at all.

        A file, or an iterable, is sent in parts, of which a few are in memory at a time.
        """
        import obstore

        with self._errors(writes=True):
            obstore.put(self._store, name, content, chunk_size=_PART_BYTES, max_concurrency=_PARTS_AT_ONCE)

    def create(self, name: str, content: bytes) -> bool:
        """Write a small object if there is none of the name; whether it was written."""
        import obstore
        from obstore.exceptions import AlreadyExistsError

        with self._errors(writes=True):
            try:
                obstore.put(self._store, name, content, mode="create")
            except AlreadyExistsError:
                return False
            return True

    def copy(self, name: str, to: str) -> None:
        """Have the bucket copy an object, in place of any other that has the name ``to``.

        Raises:
            FileNotFoundError: there is no such object.
        """
        import obstore

        with self._errors():
            obstore.copy(self._store, name, to)

    def delete(self, *names: str) -> None:
        """Delete objects, one after the other; those that are gone already are no error."""
        import obstore

        for name in names:
            with self._errors():
                try:
                    obstore.delete(self._store, name)
                except FileNotFoundError:
                    continue

    def keeps_deleted(self, name: str) -> bool:
        """Write an object and delete it; whether it can still be read, because the bucket keeps old versions."""
        import obstore

        with self._errors():
            version = obstore.put(self._store, name, b"1")["version"]
            obstore.delete(self._store, name)
            if version is None:
                return False
            try:
                obstore.get(self._store, name, options={"version": version})
            except FileNotFoundError:
                return False
            return True

    @cached_property
    def _store(self) -> ObjectStore:
        try:
            from obstore.store import from_url
        except ImportError:
            raise BucketError(
                f"Lists in a bucket ({self}) need a package that is not installed. Run: "
                "pip install 'spotify-pipeline[buckets]'."
            ) from None
        return from_url(
            self.url,
            retry_config={
                "max_retries": BUCKET_REQUEST.retries,
                "retry_timeout": timedelta(seconds=BUCKET_REQUEST.within),
                "backoff": {
                    "init_backoff": timedelta(seconds=BUCKET_REQUEST.pauses[0]),
                    "max_backoff": timedelta(seconds=BUCKET_REQUEST.pauses[-1]),
                    "base": 2,
                },
            },
        )

    @contextmanager
    def _errors(self, *, writes: bool = False) -> Generator[None]:
        """Put a sentence in place of the driver's words, which hold addresses and what the bucket answered."""
        try:
            self._store  # noqa: B018 - it may be missing, or its settings wrong
        except BucketError:
            raise
        except Exception as error:  # noqa: BLE001 - its message may repeat a credential
            raise self._unusable(error) from None
        from obstore.exceptions import BaseError, PreconditionError

        try:
            yield
        except FileNotFoundError as error:
            if writes:  # then it is the bucket that is missing
                raise self._unusable(error) from None
            raise FileNotFoundError(f"There is no such object in {self}.") from None
        except PreconditionError:
            raise FileNotFoundError(f"An object in {self} was replaced while it was read.") from None
        except BaseError as error:
            raise self._unusable(error) from None

    def _unusable(self, error: Exception) -> BucketError:
        kind = type(error).__name__
        if kind in ("PermissionDeniedError", "UnauthenticatedError"):
            return BucketError(
                f"{self} refuses these credentials ({kind}). Check the variables of the environment that name them, "
                "and that they may list, read, write and delete there."
            )
        return BucketError(
            f"{self} cannot be used ({kind}): it does not exist, is not reached from here, or its settings in the "
            "environment are wrong. Nothing was sent. Check them (docs/how-to/many-machines.md), then run again."
        )


def is_bucket(address: str) -> bool:
    """Whether an address is that of a bucket's folder, not of a folder of this machine."""
    scheme, _, rest = address.partition("://")
    return scheme in SCHEMES and bool(rest)
