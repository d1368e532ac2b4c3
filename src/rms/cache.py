"""Where things are kept between runs that any run can make again."""

import os
from pathlib import Path

from platformdirs import user_cache_path

VARIABLE = "RMS_CACHE_DIR"


def cache_folder() -> Path:
    """The folder RMS_CACHE_DIR names, or `rms` in the user's cache directory; it need not exist yet."""
    named = os.environ.get(VARIABLE)
    return Path(named).expanduser() if named else user_cache_path("rms")
