"""YAML as typed models: unknown keys refused, mistakes said with file and line."""

from spotify_pipeline.components.yaml.errors import AudienceConfigError, config_error, folder_of, named_by_folder
from spotify_pipeline.components.yaml.keys import refuse_repeated_keys, refuse_unread_files
from spotify_pipeline.components.yaml.types import (
    COLUMN_SHORT_FORMS,
    VERSION_IN_NAME,
    AssetKeyName,
    AuthorizationLabel,
    ColumnName,
    ColumnNames,
    Duration,
    Growth,
    ModelVersion,
    Share,
    SpotifyId,
    TableName,
    not_null,
)
from spotify_pipeline.strict_model import WITHOUT_SOURCE, StrictModel, no_such_field

__all__ = [
    "COLUMN_SHORT_FORMS",
    "VERSION_IN_NAME",
    "WITHOUT_SOURCE",
    "AssetKeyName",
    "AudienceConfigError",
    "AuthorizationLabel",
    "ColumnName",
    "ColumnNames",
    "Duration",
    "Growth",
    "ModelVersion",
    "Share",
    "SpotifyId",
    "StrictModel",
    "TableName",
    "config_error",
    "folder_of",
    "named_by_folder",
    "no_such_field",
    "not_null",
    "refuse_repeated_keys",
    "refuse_unread_files",
]
