"""How long the scores of one training set take: every metric and interval, all judges, many corpora.

python bench/measure.py
python bench/measure.py --corpora 16 --rows 3000 --resamples 1000
"""

import argparse
import resource
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from rms.measure.columns import Columns
from rms.measure.estimate import Plan
from rms.measure.evaluation import evaluate
from rms.measure.results import JUDGES, METRICS

CATEGORIES = 10


def corpus(rows: int, seeds: int, generator: np.random.Generator) -> Columns:
    """A two-class corpus in which about two rows share an image, scored at random but above chance."""
    labels = generator.integers(0, 2, rows)
    images = [str(image) for image in generator.integers(0, rows // 2 + 1, rows)]
    categories = [f"category {number}" for number in generator.integers(0, CATEGORIES, rows)]
    scores = {judge: np.round((generator.random((seeds, rows)) + 0.3 * labels) / 1.3, 6) for judge in JUDGES}
    return Columns([str(row) for row in range(rows)], images, categories, labels, scores)


def main() -> None:
    """Measure and print seconds and memory."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", type=int, default=16)
    parser.add_argument("--rows", type=int, default=3000)
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    generator = np.random.default_rng(0)
    corpora = {f"corpus_{index}": corpus(options.rows, options.seeds, generator) for index in range(options.corpora)}
    start = time.perf_counter()
    evaluate(
        "rms",
        corpora,
        dict.fromkeys(JUDGES, [0.5] * options.seeds),
        Plan(options.resamples, 0.95, 0),
        judges=[],
        own_tests=["rms"],
        left_out={},
    )
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{options.corpora} corpora x {options.rows} rows x {options.resamples} resamples x {len(JUDGES)} judges "
        f"x {options.seeds} seeds, {len(METRICS)} metrics, {CATEGORIES} categories: "
        f"{seconds:.1f} s, peak memory {peak:.0f} MiB"
    )


if __name__ == "__main__":
    main()
