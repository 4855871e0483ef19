"""Encrypts what the state must not hold in clear: tokens, upload sessions, bodies of events.

AES-256-GCM with a random nonce. What is sealed says which key sealed it, so that another key is told from damage; and
it is bound to its place, so that it cannot be moved to another row.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from spotify_pipeline.home import private_directory, reason_of
from spotify_pipeline.state.errors import StateError
from spotify_pipeline.state.safety import refuse_unsafe_file

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_VARIABLE = "SPOTIFY_PIPELINE_KEY"
FILE_NAME = "state.key"
_KEY_BYTES, _ID_BYTES, _NONCE_BYTES = 32, 6, 12


class Key:
    """One key. It shows itself in no text."""

    __slots__ = ("__cipher", "id")

    def __init__(self, key: bytes) -> None:
        """``key``: 32 bytes."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self.__cipher: AESGCM = AESGCM(key)
        self.id = hashlib.sha256(b"spotify-pipeline key id" + key).digest()[:_ID_BYTES]

    def __repr__(self) -> str:
        return f"<key {self.id.hex()}>"

    @staticmethod
    def of(text: str) -> Key:
        """The key that ``new_key`` gave.

        Raises:
            StateError: it is none. The sentence does not repeat it.
        """
        try:
            key = base64.urlsafe_b64decode(text.strip().encode())
        except ValueError:
            key = b""
        if len(key) != _KEY_BYTES:
            raise StateError(
                f"{KEY_VARIABLE} is not a key: 44 characters that `spotify-pipeline state new-key` prints. Set it "
                "again from where you keep it."
            )
        return Key(key)

    def seal(self, content: bytes, place: str) -> bytes:
        """``content``, encrypted for its place in the state, which ``place`` names."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return self.id + nonce + self.__cipher.encrypt(nonce, content, place.encode())

    def open(self, sealed: bytes, place: str) -> bytes:
        """What was sealed for ``place``.

        Raises:
            StateError: another key sealed it, or it is damaged or of another place.
        """
        from cryptography.exceptions import InvalidTag

        if sealed[:_ID_BYTES] != self.id:
            raise StateError(
                f"The state was encrypted with another key than {KEY_VARIABLE}, or the key file beside it, has now. "
                "Put that key back. Without it sign in again; what waits to be sent is read again from the warehouse."
            )
        nonce, encrypted = sealed[_ID_BYTES : _ID_BYTES + _NONCE_BYTES], sealed[_ID_BYTES + _NONCE_BYTES :]
        try:
            return self.__cipher.decrypt(nonce, encrypted, place.encode())
        except (InvalidTag, ValueError):
            raise StateError("What the state holds in encrypted form is damaged. Restore the newest backup.") from None


def new_key() -> str:
    """A random key, as text for an environment variable."""
    return base64.urlsafe_b64encode(secrets.token_bytes(_KEY_BYTES)).decode()


def key_beside(file: Path) -> Key:
    """The key in ``file``, which is made, 0600, where it is missing.

    Raises:
        StateError: it cannot be read or made, is open to others, or holds no key.
    """
    refuse_unsafe_file(file)
    try:
        return Key.of(file.read_text(encoding="ascii"))
    except FileNotFoundError:
        return _made(file)
    except (OSError, UnicodeDecodeError) as error:
        reason = reason_of(error) if isinstance(error, OSError) else "it is no text"
        raise StateError(f"The key file {file} cannot be read ({reason}). Restore it from a backup.") from None


def next_to(file: Path) -> Path:
    """Where the next key is while it takes the place of the one in ``file``."""
    return file.with_name(f"{file.name}.next")


def _made(file: Path) -> Key:
    """A new key in a file that appears whole: of two processes that make it, both get the first one's."""
    private_directory(file.parent)
    text = new_key()
    fresh = file.with_name(f".{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as opened:
            os.fchmod(descriptor, 0o600)
            opened.write(text)
            opened.flush()
            os.fsync(descriptor)
        try:
            os.link(fresh, file)
        except FileExistsError:
            return Key.of(file.read_text(encoding="ascii"))
        finally:
            fresh.unlink(missing_ok=True)
    except OSError as error:
        raise StateError(f"The key file {file} cannot be made ({reason_of(error)}). Free some space.") from None
    return Key.of(text)
