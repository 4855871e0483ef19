"""Signed URLs of the object store, after Google's V4 signing process.

The canonical request, the string to sign and the derivation of the key are Google's. The key is the sandbox's own,
so the algorithm is ``GOOG4-HMAC-SHA256``; Spotify's URLs are signed with a service account's RSA key instead.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote

ALGORITHM = "GOOG4-HMAC-SHA256"
SIGNED_HEADERS = ("content-type", "host", "x-goog-resumable")
LONGEST_LIFE = 604_800
"""Seven days, Google's maximum."""

_ACCESS_ID = "GOOG1ESANDBOX"
_REGION = "auto"
_DATE_FORMAT = "%Y%m%dT%H%M%SZ"
_DATE = re.compile(r"\d{8}T\d{6}Z")
_PARAMETERS = (
    "X-Goog-Algorithm",
    "X-Goog-Credential",
    "X-Goog-Date",
    "X-Goog-Expires",
    "X-Goog-SignedHeaders",
    "X-Goog-Signature",
)


class SignatureRefused(Exception):
    """A signed URL does not open the store; ``code`` is Google's name of the reason."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


@dataclass(frozen=True)
class SignedRequest:
    """What of a request is signed: method, path, query string and headers (lower-case names)."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]


def sign_upload_url(key: bytes, origin: str, host: str, path: str, now: datetime, life_seconds: int) -> str:
    """A URL that lets its holder start one resumable upload of a CSV file to ``path``."""
    stamp = now.astimezone(UTC).strftime(_DATE_FORMAT)
    parameters = {
        "X-Goog-Algorithm": ALGORITHM,
        "X-Goog-Credential": f"{_ACCESS_ID}/{stamp[:8]}/{_REGION}/storage/goog4_request",
        "X-Goog-Date": stamp,
        "X-Goog-Expires": str(life_seconds),
        "X-Goog-SignedHeaders": ";".join(SIGNED_HEADERS),
    }
    query = _canonical_query(list(parameters.items()))
    headers = {"content-type": "text/csv", "host": host, "x-goog-resumable": "start"}
    signature = _signature(key, SignedRequest("POST", path, query, headers), parameters)
    return f"{origin}{path}?{query}&X-Goog-Signature={signature}"


def verify_signed_request(key: bytes, request: SignedRequest, now: datetime) -> None:
    """Check a request against the signature in its URL, as Google does.

    Raises:
        SignatureRefused: ``MalformedSecurityHeader`` (a part of the query is missing or no date or number, or an
            ``x-goog-*`` header was not signed), ``ExpiredToken``, or ``SignatureDoesNotMatch`` (another method,
            path, query, or signed header than the URL was made for).
    """
    pairs = parse_qsl(request.query, keep_blank_values=True)
    parameters = dict(pairs)
    missing = [name for name in _PARAMETERS if name not in parameters]
    if missing:
        raise _malformed(f"{missing[0]} is missing.")
    expires = parameters["X-Goog-Expires"]
    if not _DATE.fullmatch(parameters["X-Goog-Date"]) or not re.fullmatch(r"[0-9]{1,6}", expires):
        raise _malformed("X-Goog-Date or X-Goog-Expires cannot be read.")
    try:
        made = datetime.strptime(parameters["X-Goog-Date"], _DATE_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        raise _malformed("X-Goog-Date is not a date.") from None
    if int(expires) > LONGEST_LIFE:
        raise _malformed(f"X-Goog-Expires may be at most {LONGEST_LIFE}.")
    if now >= made + timedelta(seconds=int(expires)):
        raise SignatureRefused(400, "ExpiredToken", "Invalid argument.")
    signed = parameters["X-Goog-SignedHeaders"].split(";")
    unsigned = [name for name in request.headers if name.startswith("x-goog-") and name not in signed]
    if unsigned:
        raise _malformed(f"The header {unsigned[0]} was not signed.")
    rest = _canonical_query([pair for pair in pairs if pair[0] != "X-Goog-Signature"])
    presented = SignedRequest(request.method, request.path, rest, request.headers)
    expected = _signature(key, presented, parameters)
    if not hmac.compare_digest(expected.encode(), parameters["X-Goog-Signature"].encode()):
        raise signature_mismatch()


def signature_mismatch() -> SignatureRefused:
    """Google's answer to a request that is not the signed one. It does not say what differs."""
    return SignatureRefused(
        403,
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. "
        "Check your Google secret key and signing method.",
    )


def _malformed(detail: str) -> SignatureRefused:
    return SignatureRefused(400, "MalformedSecurityHeader", f"Your request has a malformed header. {detail}")


def _canonical_query(pairs: list[tuple[str, str]]) -> str:
    encoded = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in pairs)
    return "&".join(f"{name}={value}" for name, value in encoded)


def _signature(key: bytes, request: SignedRequest, parameters: Mapping[str, str]) -> str:
    names = parameters["X-Goog-SignedHeaders"]
    headers = "".join(f"{name}:{request.headers.get(name, '').strip()}\n" for name in names.split(";"))
    canonical = "\n".join(
        (request.method, request.path, request.query, headers, names, "UNSIGNED-PAYLOAD"),
    )
    _, _, scope = parameters["X-Goog-Credential"].partition("/")
    to_sign = "\n".join(
        (
            parameters["X-Goog-Algorithm"],
            parameters["X-Goog-Date"],
            scope,
            hashlib.sha256(canonical.encode()).hexdigest(),
        )
    )
    derived = b"GOOG4" + key
    for part in scope.split("/"):
        derived = _hmac(derived, part)
    return _hmac(derived, to_sign).hex()


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
