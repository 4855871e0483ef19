"""Commands on feeds of conversion events."""
