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

from rms.measure.evaluation import Columns, evaluate
from rms.measure.results import JUDGES


def corpus(rows: int, generator: np.random.Generator) -> Columns:
    """A two-class corpus in which about two rows share an image, scored at random but above chance."""
    labels = generator.integers(0, 2, rows)
    clusters = np.unique(generator.integers(0, rows // 2 + 1, rows), return_inverse=True)[1]
    scores = {judge: np.round((generator.random(rows) + 0.3 * labels) / 1.3, 6) for judge in JUDGES}
    return Columns([str(row) for row in range(rows)], labels, clusters, scores)


def main() -> None:
    """Measure and print seconds and memory."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", type=int, default=16)
    parser.add_argument("--rows", type=int, default=3000)
    parser.add_argument("--resamples", type=int, default=1000)
    options = parser.parse_args()
    generator = np.random.default_rng(0)
    corpora = {f"corpus_{index}": corpus(options.rows, generator) for index in range(options.corpora)}
    start = time.perf_counter()
    evaluate(
        "rms",
        corpora,
        dict.fromkeys(JUDGES, 0.5),
        own_tests=["rms"],
        left_out={},
        count=options.resamples,
        confidence=0.95,
        seed=0,
    )
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{options.corpora} corpora x {options.rows} rows x {options.resamples} resamples x {len(JUDGES)} judges: "
        f"{seconds:.1f} s, peak memory {peak:.0f} MiB"
    )


if __name__ == "__main__":
    main()
