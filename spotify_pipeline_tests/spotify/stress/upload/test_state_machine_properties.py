"""The state machine against an unreliable storage, with many more examples than in `make test`."""

from __future__ import annotations

from hypothesis import settings

from spotify_pipeline_tests.spotify.upload.test_state_machine_properties import UploadToAnUnreliableStorage


class UploadToAVeryUnreliableStorage(UploadToAnUnreliableStorage):
    pass


UploadToAVeryUnreliableStorage.TestCase.settings = settings(max_examples=400, stateful_step_count=40, deadline=None)
TestUploadToAVeryUnreliableStorage = UploadToAVeryUnreliableStorage.TestCase
