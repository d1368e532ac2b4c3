"""One process of a training on several: `torchrun ... -m rms.judge.vlm.worker FOLDER`."""

import sys
from pathlib import Path

from rms.errors import RmsError
from rms.judge.vlm.launch import run_worker

if __name__ == "__main__":
    try:
        run_worker(Path(sys.argv[1]))
    except RmsError as error:
        sys.exit(f"rms: {error}")
