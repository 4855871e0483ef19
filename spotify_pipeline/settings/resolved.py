"""The settings of a project's runs and commands: what its YAML states, filled in from its environment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from spotify_pipeline.customer_list import SnapshotStore
from spotify_pipeline.customer_list.storage import Bucket, is_bucket
from spotify_pipeline.settings.connection import DEFAULT_VARIABLES, Connection, FromEnvironment
from spotify_pipeline.settings.environment import Environment, started_with
from spotify_pipeline.settings.errors import SettingsError
from spotify_pipeline.settings.project import Project
from spotify_pipeline.settings.stated import StatedConnection
from spotify_pipeline.spotify import ConversionsSettings, Secret, SettingsMissing, SpotifySettings
from spotify_pipeline.state import Key, ListsKey, Place, StateStore

_NETWORK = ("proxy_url", "ca_bundle")
_SPOTIFY = ("client_id", "client_secret", "refresh_token", "ad_account_id", "authorization", "ads_api_url",
            "accounts_url", "upload_hosts", "upload_chunk_bytes", *_NETWORK)  # fmt: skip
DEFAULT = "default"
SCRATCH = "scratch"
"""The directory in the home where lists are made that are then put into a bucket."""
_OUTBOX = "SPOTIFY_PIPELINE_OUTBOX"
"""Of former versions, which kept the outboxes of feeds apart."""


@dataclass(frozen=True)
class Origin:
    """Where one setting came from, without its value: `.env`, the shell, a line of YAML, or :data:`DEFAULT`."""

    setting: str
    variable: str | None
    place: str


@dataclass(frozen=True)
class Settings:
    """Every setting of a project, each looked up when it is asked for. No textual form shows a secret.

    Attributes:
        project: it is of; relative paths are below it.
        stated: its YAML.
        environment: its variables.
    """

    project: Project
    stated: StatedConnection
    environment: Environment

    @classmethod
    def of_project(cls, project: Project, shell: Mapping[str, str]) -> Settings:
        """What a command takes: the project's YAML, its `.env` and the shell's variables.

        Raises:
            SettingsError: the YAML or `.env` is wrong, or the shell and `.env` differ.
        """
        settings = cls(project, StatedConnection.find(project), Environment.read(project.env_file, shell))
        settings.environment.refuse_differences(settings.variables())
        return settings

    @classmethod
    def of_run(cls, project: Project, stated: StatedConnection, variables: Mapping[str, str]) -> Settings:
        """What a run of Dagster takes: ``variables`` are of its process, in which Dagster may have put a `.env`.

        Raises:
            SettingsError: `.env` cannot be read, or differs from the process or from what the shell gave to Dagster,
                as far as that is known (see :func:`started_with`).
        """
        settings = cls(project, stated, Environment.read(project.env_file, variables))
        if settings.environment.file:
            settings.environment.refuse_differences(settings.variables(), whose="This process")
            begun = Environment(started_with(variables), settings.environment.file, project.env_file)
            begun.refuse_differences(settings.variables())
        return settings

    @property
    def connection(self) -> Connection:
        """The YAML's settings."""
        return self.stated.connection

    def variables(self) -> set[str]:
        """Every variable that a setting is taken from."""
        named = (getattr(self.connection, name) for name in DEFAULT_VARIABLES)
        return {each.env for each in named if isinstance(each, FromEnvironment)}

    def name_of(self, setting: str) -> str:
        """What to call a setting in a sentence: its variable, or the file and line that state it."""
        stated = getattr(self.connection, setting)
        if isinstance(stated, FromEnvironment):
            return stated.env
        line = self.stated.lines.get(setting)
        return f"{setting} ({self.stated.file}:{line})" if line is not None else setting

    def text(self, setting: str) -> str | None:
        """The value of a setting that is a text; None where its default applies.

        Raises:
            SettingsMissing: the YAML names a variable of its own, which is not set.
        """
        stated = getattr(self.connection, setting)
        if not isinstance(stated, FromEnvironment):
            return cast("str", stated)
        value = self.environment.get(stated.env)
        if value is None and stated.env != DEFAULT_VARIABLES[setting]:
            raise SettingsMissing(
                f"{stated.env} is not set, which {self.stated.file}:{self.stated.lines.get(setting)} names for "
                f"{setting}.",
                next_step="Set it in the shell or in .env, or take the line out for the default.",
            )
        return value

    def secret(self, setting: str) -> Secret | None:
        """The value of a secret; None if it is unset."""
        value = self.text(setting)
        return None if value is None else Secret(value)

    def _path_text(self, setting: str) -> str | None:
        path = self._path(setting)
        return None if path is None else str(path)

    def _path(self, setting: str) -> Path | None:
        named = self.text(setting)
        return None if named is None else self.project.path(named)

    @property
    def home(self) -> Path:
        """The directory of lists, tokens and journal."""
        return self._path("home") or self.project.default_home

    @property
    def store(self) -> StateStore:
        """The state: a file in the home, or a database that machines share. Nothing is opened.

        Raises:
            StateError: `state` names no database.
            SettingsError: a variable is set that named another place for a part of the state.
        """
        if self.environment.get(_OUTBOX) is not None:
            raise SettingsError(
                f"{_OUTBOX} is set and is not read any more: feeds keep their events in the state. If machines share "
                f"them, set {self.name_of('state')} to a PostgreSQL database, and {self.name_of('key')}; then unset "
                f"{_OUTBOX}. Nothing was sent."
            )
        stated = self.secret("state")
        place = Place.in_home(self.home) if stated is None else Place.of(stated.reveal(), self.home)
        return StateStore(place, self.home, key=self.key_of_state)

    @property
    def snapshots(self) -> SnapshotStore:
        """Where identifiers and customer lists are: a directory, or a folder of a bucket. Nothing is opened.

        Raises:
            SettingsError: `lists` names neither.
        """
        stated = self.text("lists")
        return SnapshotStore.in_home(self.home) if stated is None else self.snapshots_in(stated)

    def snapshots_in(self, stated: str) -> SnapshotStore:
        """Those in a directory, or in a folder of a bucket. Errors as for :attr:`snapshots`."""
        if is_bucket(stated):
            return SnapshotStore(Bucket(stated, self.home / SCRATCH, ListsKey(self.store)))
        if "://" in stated:
            raise SettingsError(
                f"What {self.name_of('lists')} or the command names is no folder that lists can be in. Write a "
                "directory, or a folder of a bucket: s3://bucket/folder, gs://bucket/folder or az://container/folder. "
                "Nothing was sent."
            )
        return SnapshotStore(self.project.path(stated))

    def key_of_state(self) -> Key | None:
        """The key that encrypts in the state; None for the one in a file of the home.

        Raises:
            StateError: what is set is no key.
        """
        stated = self.secret("key")
        return None if stated is None else Key.of(stated.reveal())

    @property
    def warehouse(self) -> Path | Mapping[str, Any]:
        """The DuckDB file, or the class of another warehouse with its options, `{env: NAME}` among them filled in."""
        stated = self.connection.warehouse
        if isinstance(stated, dict):
            return {name: self._filled_in(each) for name, each in stated.items()}
        return self._path("warehouse") or self.home / "warehouse" / "warehouse.duckdb"

    def _filled_in(self, option: Any) -> Any:  # noqa: ANN401 - whatever is in the YAML
        if isinstance(option, dict) and list(cast("dict[str, object]", option)) == ["env"]:
            variable = str(cast("dict[str, object]", option)["env"])
            value = self.environment.get(variable)
            if value is None:
                raise SettingsMissing(
                    f"{variable} is not set, which the connection's warehouse names.",
                    next_step="Set it in the shell or in .env.",
                )
            return Secret(value)
        return cast("object", option)

    @property
    def alert_webhook(self) -> Secret | None:
        """The address that alerts are posted to."""
        return self.secret("alert_webhook")

    def spotify(self, authorization: str | None = None) -> SpotifySettings:
        """What the Ads API needs, with the sign-in of that label where one is named.

        Raises:
            SettingsMissing: no client id is set.
            SettingsInvalid: a value is not valid; the message names its variable, or file and line.
        """
        texts = {name: self.text(name) for name in _SPOTIFY} | {"ca_bundle": self._path_text("ca_bundle")}
        settings = SpotifySettings.from_texts(texts, {name: self.name_of(name) for name in _SPOTIFY})
        return settings if authorization is None else settings.choosing(authorization)

    def conversions(
        self, *, token_variable: str | None = None, connection_id: str | None = None
    ) -> ConversionsSettings:
        """What the Conversions API needs for a feed, which may name a token and a connection of its own.

        Raises:
            SettingsInvalid: a value is not valid; the message names its variable, or file and line.
        """
        names = {name: self.name_of(name) for name in ("capi_url", "capi_connection_id", "capi_token", *_NETWORK)}
        token = self.text("capi_token") if token_variable is None else self.environment.get(token_variable)
        if token_variable is not None:
            names["capi_token"] = token_variable
        if connection_id is not None:
            names["capi_connection_id"] = "The feed's connection_id"
        texts = {
            "capi_url": self.text("capi_url"),
            "connection_id": connection_id or self.text("capi_connection_id"),
            "token": token,
            "proxy_url": self.text("proxy_url"),
            "ca_bundle": self._path_text("ca_bundle"),
        }
        return ConversionsSettings.from_texts(texts, names)

    def origins(self) -> Iterator[Origin]:
        """Where each setting came from."""
        for setting in Connection.model_fields:
            stated = getattr(self.connection, setting)
            line = self.stated.lines.get(setting)
            written = None if line is None else f"{self.stated.file}:{line}"
            if not isinstance(stated, FromEnvironment):
                yield Origin(setting, None, written or DEFAULT)
            elif self.environment.get(stated.env) is None:
                yield Origin(
                    setting,
                    stated.env,
                    DEFAULT if stated.env == DEFAULT_VARIABLES[setting] else f"{written}, but unset",
                )
            else:
                yield Origin(setting, stated.env, self.environment.origin(stated.env))
