"""Warehouse events to Spotify's Conversions API: judged, kept in an outbox, delivered once, accounted for.

Nothing here knows of Dagster or of the warehouse: rows come in as data frames, events go out through a function.
"""
