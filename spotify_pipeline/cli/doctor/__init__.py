"""`spotify-pipeline doctor`: whether everything that a sync needs is there."""
