"""How fast photographs are collected and perceived, and whether memory stays flat as their number grows.

RMS_TEST_PHOTOS=/data/photos python bench/collect.py
python bench/collect.py --photos /data/photos --counts 1000 10000 --workers 2

Where more are asked for than there are, photographs are used again under new names, each with a counter
behind its last byte: decoders pass over it, but no two files are equal. Near duplicates are kept.
"""

import argparse
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from rms.assistant.embedded import EmbeddedAssistant
from rms.images.collect import collect
from rms.images.decode import EXTENSIONS
from rms.params import EmbeddedAssistant as EmbeddedSettings
from rms.params import FolderSource, Images
from rms.records import ImageInfo
from rms.store import read_table
from rms.triplets.scenes import describe


def repeated(photos: Path, count: int, folder: Path) -> None:
    """Fill `folder` with `count` files that are all different."""
    originals = sorted(path for path in photos.iterdir() if path.suffix.lower() in EXTENSIONS)
    if not originals:
        raise SystemExit(f"{photos}: no photographs found; give a folder with --photos or RMS_TEST_PHOTOS")
    for number in range(count):
        original = originals[number % len(originals)]
        (folder / f"{number:06d}{original.suffix}").write_bytes(original.read_bytes() + number.to_bytes(4, "big"))


class Measured(NamedTuple):
    """Of a process that does nothing else."""

    collect_s: float
    perceive_s: float
    """Loading of libraries and models included, as in `collect_s`."""
    summary: dict[str, Any]
    peak_mib: int


def measure(folder: Path, workers: int) -> Measured:
    """Collect `folder`, then describe what was kept, as the stages do."""
    params = Images(
        source=FolderSource(kind="folder", path=folder, licence="", attribution=""),
        watch="",
        limit=None,
        min_side=128,
        max_side=512,
        max_pixels=50_000_000,
        max_bytes=20_000_000,
        nsfw_threshold=0.5,
        near_duplicate_bits=0,
        drop_near_duplicates=False,
        cluster_bits=10,
        validation_share=0.12,
        test_share=0.2,
        workers=workers,
    )
    with tempfile.TemporaryDirectory(dir=folder.parent) as out:
        start = time.perf_counter()
        summary = collect(params, 0, Path(out))
        collected = time.perf_counter()
        assistant = EmbeddedAssistant(
            EmbeddedSettings(kind="embedded", min_confidence=0.15, max_elements=8, intent_similarity=0.6), seed=0
        )
        images = Path(out) / "images"
        wanted = {info.image_id for info in read_table(images, ImageInfo)}
        described = sum(1 for _ in describe(assistant, images, wanted, workers))
        perceived = time.perf_counter()
    assert described == summary["kept"]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return Measured(collected - start, perceived - collected, summary, peak)


def main() -> None:
    """Measure each count in a fresh process and print a line for it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, default=os.environ.get("RMS_TEST_PHOTOS"), help="folder of photographs")
    parser.add_argument("--counts", type=int, nargs="+", default=[1000, 10000], help="images per run")
    parser.add_argument("--workers", type=int, default=2, help="threads")
    options = parser.parse_args()
    if options.photos is None:
        print("skipped: name a folder of photographs with --photos or RMS_TEST_PHOTOS")
        return
    for count in options.counts:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / "photos"
            folder.mkdir()
            repeated(options.photos, count, folder)
            with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as fresh:
                got = fresh.submit(measure, folder, options.workers).result()
        together = count / (got.collect_s + got.perceive_s)
        print(f"{count} images, {options.workers} threads: collect {got.collect_s:.1f} s, ", end="")
        print(f"perceive {got.perceive_s:.1f} s, together {together:.0f} images/s, ", end="")
        print(f"peak {got.peak_mib} MiB, kept {got.summary['kept']}", flush=True)


if __name__ == "__main__":
    main()
