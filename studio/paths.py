"""Where Tutti keeps things on this computer (platformdirs)."""

from pathlib import Path

from platformdirs import user_cache_path, user_data_path


def cache_folder() -> Path:
    """Compiled scores, decoded sounds, HRTF grids: safe to delete at any time."""
    return user_cache_path("tutti", "tutti", ensure_exists=True)


def data_folder() -> Path:
    """The library, installed sounds and recorded sessions: the user's own."""
    return user_data_path("tutti", "tutti", ensure_exists=True)


def profiles_folder() -> Path:
    """What is known of the people who conduct here."""
    folder = data_folder() / "profiles"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def sessions_folder() -> Path:
    """Recordings of live sessions."""
    folder = data_folder() / "sessions"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
