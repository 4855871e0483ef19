"""The component: a list of people who are kept out of every audience."""

from __future__ import annotations

import dagster as dg
from pydantic import BaseModel

from spotify_pipeline.components.project_connection import connection_of
from spotify_pipeline.components.sources.config import SuppressionListConfig
from spotify_pipeline.components.sources.suppressions import SuppressionSource
from spotify_pipeline.components.sources.table import find_source, refuse_unknown_columns
from spotify_pipeline.components.yaml import config_error, folder_of
from spotify_pipeline.rows import ERASURE


class SuppressionList(dg.Component):
    """Keeps the people of one warehouse table out of all audiences.

    The folder's name is what the list is called in counts. Everybody in the table is kept out: consent is not asked.

    ```yaml
    type: spotify_pipeline.SuppressionList
    attributes:
      segment:
        dbt_model: do_not_contact
      identifiers:
        email: email
    ```
    """

    def __init__(self, source: SuppressionSource, *, written_elsewhere: bool) -> None:
        self.source = source
        self.written_elsewhere = written_elsewhere

    @classmethod
    def get_model_cls(cls) -> type[BaseModel]:
        """The schema of `attributes`."""
        return SuppressionListConfig

    @classmethod
    def get_spec(cls) -> dg.ComponentTypeSpec:
        """How the component is listed by `dg list components`."""
        return dg.ComponentTypeSpec(
            description="Keeps the people of one warehouse table out of all audiences.", tags=["spotify"]
        )

    @classmethod
    def load(cls, attributes: BaseModel | None, context: dg.ComponentLoadContext) -> SuppressionList:
        """Take over the validated attributes and look up the table.

        Raises:
            AudienceConfigError: there are none, the project has no connection, or the dbt model or a column is unknown.
        """
        if not isinstance(attributes, SuppressionListConfig):
            raise config_error(context, (), "a suppression list needs segment and identifiers")
        connection_of(context)
        name = folder_of(context).name
        if "." in name:
            raise config_error(
                context,
                (),
                f"the folder is called {name!r}; a suppression list's folder has no dot in its name, which is what the "
                "list is called in counts",
            )
        if name == ERASURE:
            raise config_error(context, (), f"{ERASURE} is what those who asked to be forgotten are called in counts")
        table = find_source(attributes.segment, context, ("segment",))
        named = [(("identifiers", *path), column) for path, column in attributes.identifiers.named_columns()]
        refuse_unknown_columns(named, table, context)
        source = SuppressionSource(
            name=name,
            asset_key=table.asset_key,
            relation=table.relation,
            identifiers=attributes.identifiers,
            max_invalid=attributes.max_invalid,
        )
        elsewhere = attributes.segment.table is not None and attributes.segment.asset_key is None
        return cls(source, written_elsewhere=elsewhere)

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:  # noqa: ARG002 - Dagster's signature
        """Nothing of its own: the table's asset is there already, or is added with those of all audiences."""
        return dg.Definitions()
