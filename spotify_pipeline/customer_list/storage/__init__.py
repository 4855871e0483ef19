"""Lays out the files of lists, in a folder of this machine or of a bucket, and replaces them safely."""

from spotify_pipeline.customer_list.storage.arrow import (
    ParquetFile,
    append_rows,
    byte_values,
    parquet_writer,
    read_rows,
)
from spotify_pipeline.customer_list.storage.bucket import Bucket
from spotify_pipeline.customer_list.storage.bucket_file import BucketFile
from spotify_pipeline.customer_list.storage.folder import Folder
from spotify_pipeline.customer_list.storage.names import audience_folder, file_name, is_audience, snapshot_key
from spotify_pipeline.customer_list.storage.objects import BucketError, is_bucket
from spotify_pipeline.customer_list.storage.paths import (
    LIST_NAME,
    MANIFEST_NAME,
    erased_rows_file,
    forget_erased,
    forget_found,
    found_file,
    publish_list,
    write_manifest,
    write_small,
)
from spotify_pipeline.customer_list.storage.place import ListPlace, StoredFile, StoredList
from spotify_pipeline.customer_list.storage.staging import publish, sweep, workspace

__all__ = [
    "LIST_NAME",
    "MANIFEST_NAME",
    "Bucket",
    "BucketError",
    "BucketFile",
    "Folder",
    "ListPlace",
    "ParquetFile",
    "StoredFile",
    "StoredList",
    "append_rows",
    "audience_folder",
    "byte_values",
    "erased_rows_file",
    "file_name",
    "forget_erased",
    "forget_found",
    "found_file",
    "is_audience",
    "is_bucket",
    "parquet_writer",
    "publish",
    "publish_list",
    "read_rows",
    "snapshot_key",
    "sweep",
    "workspace",
    "write_manifest",
    "write_small",
]
