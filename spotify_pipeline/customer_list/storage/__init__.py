"""Lays out the files of lists on disk, and replaces them safely."""

from spotify_pipeline.customer_list.storage.arrow import ParquetFile, append_rows, parquet_writer, read_rows
from spotify_pipeline.customer_list.storage.names import audience_folder, file_name, is_audience, snapshot_key
from spotify_pipeline.customer_list.storage.paths import (
    LIST_NAME,
    MANIFEST_NAME,
    erased_rows_file,
    forget_erased,
    forget_found,
    found_file,
    publish_list,
    write_manifest,
)
from spotify_pipeline.customer_list.storage.staging import has_workspace, publish, sweep, workspace

__all__ = [
    "LIST_NAME",
    "MANIFEST_NAME",
    "ParquetFile",
    "append_rows",
    "audience_folder",
    "erased_rows_file",
    "file_name",
    "forget_erased",
    "forget_found",
    "found_file",
    "has_workspace",
    "is_audience",
    "parquet_writer",
    "publish",
    "publish_list",
    "read_rows",
    "snapshot_key",
    "sweep",
    "workspace",
    "write_manifest",
]
