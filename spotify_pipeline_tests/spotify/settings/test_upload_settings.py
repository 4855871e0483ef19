from __future__ import annotations

import pytest

from spotify_pipeline.spotify import SettingsInvalid, SpotifySettings
from spotify_pipeline_tests.spotify.from_variables import spotify_settings_of

ENVIRONMENT = {"SPOTIFY_CLIENT_ID": "client-1"}
MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("value", "chunk"),
    [("", 8 * MIB), ("262144", 262_144), ("8388608", 8 * MIB), (" 67108864 ", 64 * MIB), ("whole", None)],
)
def test_chunk_size_is_a_multiple_of_256_kib_or_whole(value: str, chunk: int | None):
    variables = {**ENVIRONMENT, "SPOTIFY_UPLOAD_CHUNK_BYTES": value}
    assert spotify_settings_of(variables).upload_chunk_bytes == chunk


@pytest.mark.parametrize(
    "value", ["0", "1", "262143", "262145", "-262144", "8MiB", "8388608.0", "1e6", "Whole", "9" * 40]
)
def test_u21_other_chunk_size_is_refused_when_settings_are_read(value: str):
    with pytest.raises(SettingsInvalid, match=r"SPOTIFY_UPLOAD_CHUNK_BYTES is not a multiple of 262144 .*`whole`"):
        spotify_settings_of({**ENVIRONMENT, "SPOTIFY_UPLOAD_CHUNK_BYTES": value})


@pytest.mark.parametrize("chunk", [0, -262_144, 262_145])
def test_u21_other_chunk_size_is_refused_by_the_settings_themselves(chunk: int):
    with pytest.raises(SettingsInvalid, match="upload_chunk_bytes is not a multiple"):
        SpotifySettings(client_id="client-1", upload_chunk_bytes=chunk)
