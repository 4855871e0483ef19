"""The YAML of the connection: where Spotify, the home and the warehouse are, and which credentials to use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, cast

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator
from pydantic_core.core_schema import ValidationInfo

from spotify_pipeline.customer_list.storage import is_bucket
from spotify_pipeline.spotify import setting_fault
from spotify_pipeline.strict_model import StrictModel

_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{0,99}")
_DOTTED_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")
_WITHHELD: dict[str, object] = {"env": None}
"""What takes the place of a secret that was written out, before anything can repeat it."""
_ENV_SCHEMA: dict[str, Any] = {"properties": {"env": {"type": "string"}}}


def _variable(value: object) -> object:
    if isinstance(value, str) and _VARIABLE.fullmatch(value):
        return value
    raise ValueError(
        "name an environment variable, as {env: SPOTIFY_CLIENT_SECRET}: capital letters, digits and _. Never write a "
        "secret into a file; if one was in it, delete it at Spotify and make another"
    )


class FromEnvironment(StrictModel):
    """`{env: NAME}`: the value of an environment variable, read when a run or a command starts."""

    env: Annotated[str, BeforeValidator(_variable)]
    """The variable's name."""


def _value(value: object) -> object:
    if isinstance(value, str):
        if "{{" in value:
            raise ValueError("templates are not filled in here; write {env: NAME} for an environment variable's value")
        if not value.strip():
            raise ValueError("empty; leave the line out for its default, or write {env: NAME}")
        return value.strip()
    if isinstance(value, dict) and list(cast("dict[object, object]", value)) == ["env"]:
        return FromEnvironment.model_validate(value)
    if isinstance(value, FromEnvironment):
        return value
    raise ValueError("write a text, or {env: NAME} for an environment variable's value")


def _fits(value: str | FromEnvironment, info: ValidationInfo) -> str | FromEnvironment:
    if isinstance(value, str) and (fault := setting_fault(str(info.field_name), value)) is not None:
        raise ValueError(fault)
    return value


def _host_list(value: object) -> object:
    """A list of hosts or `{env: NAME}`; a text is one with commas, as in the variable."""
    if isinstance(value, list):
        stated = cast("list[object]", value)
        if not all(isinstance(each, str) for each in stated):
            raise ValueError("each host is a text")
        value = ",".join(map(str, stated))
    return _value(cast("object", value))


def _chunk(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _warehouse(value: object) -> object:
    if not isinstance(value, dict) or list(cast("dict[object, object]", value)) == ["env"]:
        return _value(cast("object", value))
    stated = cast("dict[object, object]", value)
    named = stated.get("class")
    if not isinstance(named, str) or not _DOTTED_PATH.fullmatch(named):
        raise ValueError(
            "write the path of a DuckDB file, {env: NAME}, or {class: my_project.warehouse.Mine} with its options"
        )
    return stated


def _lists(value: str | FromEnvironment) -> str | FromEnvironment:
    if isinstance(value, str) and "://" in value and not is_bucket(value):
        raise ValueError("write a directory, or a folder of a bucket: s3://..., gs://... or az://...")
    return value


def _dotted(value: str) -> str:
    if not _DOTTED_PATH.fullmatch(value):
        raise ValueError("not a dotted path of a class, such as my_project.guards.Weekend")
    return value


Value = Annotated[
    str | FromEnvironment,
    AfterValidator(_fits),
    BeforeValidator(_value),
    WithJsonSchema({"type": ["string", "boolean", "object"], **_ENV_SCHEMA}),
]
"""A text, or `{env: NAME}`."""
# The schema allows anything: a validator that knows only the schema would repeat a secret in its complaint.
SecretValue = Annotated[FromEnvironment, WithJsonSchema({})]
"""`{env: NAME}` and nothing else: a secret has no place in a file."""


def _env(name: str) -> FromEnvironment:
    return FromEnvironment(env=name)


class Connection(StrictModel):
    """The connection to Spotify, and what all audiences and feeds of a project share.

    Every setting is a text or `{env: NAME}`, and is read when a run or a command starts. One that is left out is taken
    from the variable that its default names, which need not be set. A variable that the YAML names itself must be set
    when its value is needed. Relative paths are below the project.
    """

    client_id: Value = _env("SPOTIFY_CLIENT_ID")
    """The client id of your app in Spotify's developer dashboard."""
    client_secret: SecretValue = _env("SPOTIFY_CLIENT_SECRET")
    """The app's secret. Unset: the app signs in with PKCE alone."""
    refresh_token: SecretValue = _env("SPOTIFY_REFRESH_TOKEN")
    """Bootstrap token for the token store, under the chosen label. From then on the store's own token is used, which
    rotates. A new value replaces it. A used value is used again only if Spotify refuses every token that came from it,
    and never instead of a sign-in with the browser."""
    authorization: Value = _env("SPOTIFY_AUTHORIZATION")
    """Which sign-in is used, by its label: up to 40 lower-case letters, digits, `-` and `_`."""
    ad_account_id: Value = _env("SPOTIFY_AD_ACCOUNT_ID")
    """The ad account of audiences that name none, a UUID."""
    home: Value = _env("SPOTIFY_PIPELINE_HOME")
    """The directory of lists, tokens and journal: personal data and credentials, on a local disk."""
    state: SecretValue = _env("SPOTIFY_PIPELINE_STATE")
    """Where the project keeps what it must not forget: `postgresql://user:password@host/database` if several machines
    share it, or `sqlite:///file` below the home. Unset: `state.sqlite` in the home. A credential: it is never shown."""
    key: SecretValue = _env("SPOTIFY_PIPELINE_KEY")
    """The key that encrypts tokens, upload sessions and waiting events in the state; `spotify-pipeline state new-key`
    prints one. Needed where machines share the state; else it is made, as `state.key` in the home."""
    lists: Annotated[Value, AfterValidator(_lists)] = _env("SPOTIFY_PIPELINE_LISTS")
    """Where customer lists and identifiers are: a directory, by default `data` in the home; or a folder of a bucket
    that several machines share: `s3://bucket/folder`, `gs://bucket/folder` or `az://container/folder`. Its credentials
    are those that the cloud's own tools find in the environment."""
    warehouse: Annotated[
        str | FromEnvironment | dict[str, Any],
        BeforeValidator(_warehouse),
        WithJsonSchema({"type": ["string", "boolean", "object"]}),
    ] = _env("SPOTIFY_PIPELINE_WAREHOUSE")
    """The DuckDB file; keep the file name `warehouse`, which dbt writes into its manifest. Or
    `{class: my_project.warehouse.Mine}` with the options of that class."""
    ads_api_url: Value = _env("SPOTIFY_ADS_API_URL")
    """The Ads API."""
    accounts_url: Value = _env("SPOTIFY_ACCOUNTS_URL")
    """Sign-in and tokens."""
    capi_url: Value = _env("SPOTIFY_CAPI_URL")
    """The Conversions API, used as written: Spotify's own ends with a slash."""
    capi_connection_id: Value = _env("SPOTIFY_CAPI_CONNECTION_ID")
    """The connection (Conversions API integration), a UUID, for feeds without a `connection_id`;
    `spotify-pipeline conversions datasets` lists them."""
    capi_token: SecretValue = _env("SPOTIFY_CAPI_TOKEN")
    """The token of that connection, for feeds without a `token`; `spotify-pipeline conversions create-token` creates
    one. It never expires: protect it like a password."""
    upload_hosts: Annotated[
        str | FromEnvironment,
        AfterValidator(_fits),
        BeforeValidator(_host_list),
        WithJsonSchema({"type": ["string", "boolean", "array", "object"], "items": {"type": "string"}, **_ENV_SCHEMA}),
    ] = _env("SPOTIFY_UPLOAD_HOSTS")
    """The hosts that a signed upload URL may have: a list, or separated by commas. Plain http and other ports only for
    this machine, such as `127.0.0.1:8710`."""
    upload_chunk_bytes: Annotated[
        str | FromEnvironment,
        AfterValidator(_fits),
        BeforeValidator(lambda value: _value(_chunk(value))),
        WithJsonSchema({"type": ["string", "integer", "object"], **_ENV_SCHEMA}),
    ] = _env("SPOTIFY_UPLOAD_CHUNK_BYTES")
    """Bytes of a list in one request of an upload: a multiple of 262144 (256 KiB), or `whole` for one request per list.
    An interrupted upload sends at most one chunk again."""
    proxy_url: SecretValue = _env("SPOTIFY_PROXY_URL")
    """HTTP proxy for the Ads API, accounts, uploads and conversion events: `http://host:port` or
    `http://user:password@host:port`, the parts percent-encoded; `https://` uses TLS to the proxy itself. This machine's
    own addresses use no proxy. `HTTPS_PROXY` and similar variables are ignored."""
    ca_bundle: Value = _env("SPOTIFY_CA_BUNDLE")
    """PEM file of certificate authorities that are trusted **beside** the usual ones (Mozilla's list), as a proxy that
    opens TLS needs. `SSL_CERT_FILE` and similar variables are ignored. With a bundle, a certificate need not follow
    every rule of RFC 5280 (Python's `VERIFY_X509_STRICT`); verification cannot be turned off."""
    alert_webhook: SecretValue = _env("SPOTIFY_PIPELINE_ALERT_WEBHOOK")
    """https address that alerts are posted to, as `{"text": ...}`, which Slack and similar tools read. A credential: it
    is never logged."""
    guards: list[Annotated[str, AfterValidator(_dotted)]] = Field(default=[])
    """Guards of your own, by the dotted paths of their classes: `[my_project.guards.Weekend]`."""

    @model_validator(mode="before")
    @classmethod
    def _no_secret_goes_on(cls, value: Any) -> Any:  # noqa: ANN401 - pydantic hands over whatever stood in the file
        if not isinstance(value, dict):
            return cast("object", value)
        stated = cast("dict[str, object]", value)
        # An unknown name may be a secret's, mistyped.
        return {
            name: _named_only(each) if name in SECRETS else each if name in cls.model_fields else None
            for name, each in stated.items()
        }


SECRETS = frozenset(name for name, field in Connection.model_fields.items() if field.annotation is FromEnvironment)
"""The settings whose values are shown nowhere."""
DEFAULT_VARIABLES: Mapping[str, str] = {
    name: field.default.env
    for name, field in Connection.model_fields.items()
    if isinstance(field.default, FromEnvironment)
}
"""The variable that each setting is taken from where the YAML says nothing."""


def _named_only(secret: object) -> object:
    """A secret's setting if it names a variable and nothing else; what is written there otherwise might be a secret."""
    if isinstance(secret, FromEnvironment):
        return secret
    if isinstance(secret, dict):
        stated = cast("dict[object, object]", secret)
        variable = stated.get("env")
        if list(stated) == ["env"] and isinstance(variable, str) and _VARIABLE.fullmatch(variable):
            return stated
    return _WITHHELD
