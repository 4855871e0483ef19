"""`make demo`: generate a warehouse, run the whole chain against a local Spotify, and show the result.

Import the modules where they are used: ``run`` and ``table`` load Dagster, which takes seconds, and other commands need
only ``workspace``.
"""
