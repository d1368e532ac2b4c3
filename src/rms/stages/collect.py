"""Stage `collect`: photographs of a source to `data/images/`, every drop a row with its reason."""

from pathlib import Path

from rms.images.collect import collect
from rms.params import Params
from rms.store import output_folder

OUTPUT = Path("data/images")


def run(params: Params) -> None:
    """Read `images` and `seed`; write `images/`, `rejects.jsonl` and `summary.json`."""
    with output_folder(OUTPUT) as folder:
        collect(params.images, params.seed, folder)
