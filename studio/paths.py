"""Where Tutti keeps things on this computer (platformdirs)."""

from pathlib import Path

from platformdirs import user_cache_path, user_data_path


def cache_folder() -> Path:
    """Compiled scores, decoded sounds, HRTF grids: safe to delete at any time."""
    return user_cache_path("tutti", "tutti")


def data_folder() -> Path:
    """The library, installed sounds and recorded sessions: the user's own. Whoever writes there makes the folder."""
    return user_data_path("tutti", "tutti")


def profiles_folder() -> Path:
    """What is known of the people who conduct here."""
    return data_folder() / "profiles"


def sessions_folder() -> Path:
    """Recordings of live sessions."""
    return data_folder() / "sessions"
