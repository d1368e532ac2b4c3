"""`python -m rms`: how stages call the command, so that a copy of the project runs its own code."""

import sys

try:
    from rms.cli import main
except ModuleNotFoundError as error:
    sys.exit(
        f"rms: {sys.executable} has no package {error.name!r}; "
        "run `make setup`, then `. .venv/bin/activate` or use the make targets"
    )

main()
