"""People who asked to be forgotten: their digests, and the lists and audiences that they have to leave."""
