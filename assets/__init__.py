"""What ships with Tutti as data: hall and seating descriptions, models, weights and scores."""

from importlib.resources import files
from pathlib import Path


def asset_path(*parts: str) -> Path:
    """Path of a file that ships with Tutti, e.g. ``asset_path("scores", "concert.musicxml")``.

    Tutti is installed unzipped (setuptools wheels always are), so a real path exists.
    """
    return Path(str(files(__package__).joinpath(*parts)))
