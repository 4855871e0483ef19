"""How far an upload is and how fast, told as often as is worth showing."""

from __future__ import annotations

from collections.abc import Callable

from spotify_pipeline.spotify.models import UploadProgress

_WORTH_TELLING = 1024 * 1024


class ProgressMeter:
    """Counts what goes over the wire, and tells ``tell`` of every MiB and of every change that is no sending.

    ``monotonic`` gives seconds that no clock setting moves; the upload begins now.
    """

    def __init__(
        self, size: int, monotonic: Callable[[], float], tell: Callable[[UploadProgress], None] | None
    ) -> None:
        self._size = size
        self._monotonic = monotonic
        self._tell = tell
        self._begun = monotonic()
        self._told = 0
        self.bytes_sent = 0

    def sending(self, stored: int) -> None:
        """Bytes are on their way: with them the storage has ``stored`` of the file."""
        if stored - self._told >= _WORTH_TELLING:
            self.stands_at(stored)

    def stands_at(self, stored: int) -> None:
        """The storage has ``stored`` bytes of the file."""
        if self._tell is None or stored == self._told:
            return
        self._told = stored
        seconds = self._monotonic() - self._begun
        rate = self.bytes_sent / seconds if seconds > 0 else 0.0
        remaining = (self._size - stored) / rate if rate > 0 else None
        self._tell(UploadProgress(stored=stored, size=self._size, seconds=seconds, rate=rate, remaining=remaining))
