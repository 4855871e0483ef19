"""A stand-in for S3 on this machine, and the variables by which it is found."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Generator
from contextlib import contextmanager
from threading import Thread
from typing import Any, cast


@contextmanager
def running(seen: Callable[[str, bytes], None] = lambda _address, _body: None) -> Generator[str]:
    """The URL of a server that holds any number of buckets until the block ends.

    ``seen`` is given each request's path with its query, and its body, before it is answered.
    """
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    storage: Any = DomainDispatcherApplication(create_backend_app)

    def application(request: dict[str, Any], respond: object) -> object:
        body = request["wsgi.input"].read(int(request.get("CONTENT_LENGTH") or 0))
        seen(f"{request['PATH_INFO']}?{request.get('QUERY_STRING', '')}", body)
        return storage({**request, "wsgi.input": io.BytesIO(body)}, respond)

    server = make_server("127.0.0.1", 0, cast("Any", application), threaded=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()


def variables(server: str) -> dict[str, str]:
    """What a process needs in its environment to find it, as for any other storage that speaks S3."""
    return {
        "AWS_ENDPOINT_URL": server,
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing-secret",
    }


class Objects:
    """A bucket as its owner sees it, who may also break it."""

    def __init__(self, server: str, name: str) -> None:
        import boto3

        found = cast("Any", boto3)
        self.name = name
        self._client: Any = found.client(
            "s3",
            endpoint_url=server,
            region_name="us-east-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing-secret",
        )
        self._client.create_bucket(Bucket=name)

    @property
    def url(self) -> str:
        """Of a folder in it."""
        return f"s3://{self.name}/lists"

    def all(self) -> dict[str, bytes]:
        """Every object, by its key."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.name)
        keys = [str(each["Key"]) for page in pages for each in page.get("Contents", ())]
        return {key: bytes(self._client.get_object(Bucket=self.name, Key=key)["Body"].read()) for key in keys}

    def write(self, key: str, content: bytes) -> None:
        """Write an object behind everybody's back."""
        self._client.put_object(Bucket=self.name, Key=key, Body=content)

    def begun(self) -> int:
        """Uploads in parts that were never finished."""
        return len(self._client.list_multipart_uploads(Bucket=self.name).get("Uploads", ()))

    def keep_versions(self) -> None:
        """Turn versioning on."""
        self._client.put_bucket_versioning(Bucket=self.name, VersioningConfiguration={"Status": "Enabled"})

    def gone(self) -> None:
        """Delete the bucket."""
        for key in self.all():
            self._client.delete_object(Bucket=self.name, Key=key)
        self._client.delete_bucket(Bucket=self.name)
