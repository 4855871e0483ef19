"""Takes over a home of the time before the state: the files that each part of the project kept by itself."""

from spotify_pipeline.former_home.errors import FormerHomeError
from spotify_pipeline.former_home.importing import Imported, import_home

__all__ = ["FormerHomeError", "Imported", "import_home"]
