"""Resources that hold settings of the connection: their values, or the names of the variables that have them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import dagster as dg
from pydantic import ConfigDict, Field, ValidationError, model_validator

from spotify_pipeline.settings import Connection, FromEnvironment, Project, Settings, StatedConnection


def setting(name: str) -> Any:  # noqa: ANN401 - pydantic's Field is what it stands for
    """The field of a resource that is the connection's setting of that name, with its description."""
    return Field(default=None, description=Connection.model_fields[name].description)


class ConfiguredResource(dg.ConfigurableResource[None]):
    """A part of the connection, as a resource.

    Each setting is a text or `dg.EnvVar("NAME")`. A variable is read when the setting is used, not before: so a run
    whose steps do without it needs no value, and no resource holds a secret. A setting that is not given is taken from
    the variable that the connection has for it.
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    project: str | None = Field(
        default=None, description="The project's directory: relative paths are below it, and its `.env` is read."
    )
    stated_in: str | None = Field(default=None, description="The YAML file of the connection.")

    @classmethod
    def of(cls, stated: StatedConnection, project: Project) -> Self:
        """The resource of a project's connection."""
        values = {name: _for_dagster(getattr(stated.connection, name)) for name in cls._settings()}
        file = None if stated.file is None else str(stated.file)
        return cls(project=str(project.root), stated_in=file, **values)

    @classmethod
    def _settings(cls) -> list[str]:
        return [name for name in cls.model_fields if name in Connection.model_fields]

    @model_validator(mode="after")
    def _refuse_what_the_yaml_may_not_say(self) -> Self:
        try:
            self._connection()
        except ValidationError as error:
            first = error.errors()[0]
            raise ValueError(f"{first['loc'][0]}: {first['msg'].removeprefix('Value error, ')}") from None
        return self

    def _connection(self) -> Connection:
        stated = {name: _for_yaml(getattr(self, name)) for name in self._settings()}
        return Connection.model_validate({name: value for name, value in stated.items() if value is not None})

    def connected(self) -> Settings:
        """What is set, by this process's environment; of the connection's settings, those of this resource.

        Raises:
            SettingsError: the shell and `.env` differ.
        """
        connection = self._connection()
        return Settings.of_run(self._found, StatedConnection(connection, *self._places(connection)), os.environ)

    @cached_property
    def _found(self) -> Project:
        """The project. Reading its TOML takes far longer than all else here, and a step asks dozens of times."""
        return Project.find(Path(self.project) if self.project is not None else Path.cwd())

    def _places(self, connection: Connection) -> tuple[Path | None, Mapping[str, int]]:
        """The YAML file, and the lines of what it says and this resource still holds; for sentences about them."""
        file = Path(self.stated_in) if self.stated_in is not None else None
        if file is None or not file.is_file():
            return file, {}
        stated = StatedConnection.read(file)
        unchanged = (each for each in stated.lines if getattr(stated.connection, each) == getattr(connection, each))
        return file, {name: stated.lines[name] for name in unchanged}


def _for_dagster(value: object) -> object:
    return dg.EnvVar(value.env) if isinstance(value, FromEnvironment) else value


def _for_yaml(value: object) -> object:
    """As the connection's model takes it. Dagster hands `{env: NAME}` to a run in place of `EnvVar`."""
    return {"env": value.env_var_name} if isinstance(value, dg.EnvVar) else value
