"""Time, memory and quality of the whole pipeline, in a folder of its own.

    python bench/pipeline.py                          the embedded default
    python bench/pipeline.py --photos /data/photos    the same on a folder of photographs

Stages run as DVC runs them, a process each; printed are seconds, peak memory, rates and the scores of the judges.
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from rms.store import read_json

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, default=os.environ.get("RMS_TEST_PHOTOS"), help="folder of photographs")
    parser.add_argument("--set", nargs="*", default=[], metavar="OVERRIDE", help="further Hydra overrides")
    arguments = parser.parse_args()
    overrides = list(arguments.set)
    if arguments.photos:
        overrides += ["images=folder", f"images.source.path={Path(arguments.photos).resolve()}"]
    with tempfile.TemporaryDirectory() as scratch:
        project = Path(scratch)
        for name in ("src", "conf"):
            shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
        _rms(project, "params", *overrides)
        params = yaml.safe_load((project / "params.yaml").read_text(encoding="utf-8"))
        _stages(project, params)
        _quality(project)


def _stages(project: Path, params: dict[str, Any]) -> None:
    corpora = [("corpora", name) for name in params["corpora"]["names"]]
    judges = [(stage, name) for name in params["finetune"]["train_sets"] for stage in ("finetune", "evaluate")]
    total = 0.0
    print(f"{'stage':26} seconds  peak MB of all so far")
    made = [(stage,) for stage in ("collect", "patterns", "generate", "augment")]
    for stage in [*made, *corpora, ("build",), ("risk_oriented",), *judges, ("report",)]:
        start = time.perf_counter()
        _rms(project, "stage", *stage)
        seconds = time.perf_counter() - start
        total += seconds
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(f"{' '.join(stage):26} {seconds:7.1f}  {peak:7.0f}", flush=True)
    print(f"{'all stages':26} {total:7.1f}")


def _quality(project: Path) -> None:
    numbers = read_json(project / "data/dataset/statistics.json")
    print(f"samples {numbers['samples']}, images {numbers['images']}, unsafe {numbers['unsafe_share']:.1%}, ", end="")
    print(f"categories {len(numbers['categories'])}")
    print(_rms(project, "summary"))


def _rms(project: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": "src"}
    done = subprocess.run(
        [sys.executable, "-m", "rms", *arguments],
        cwd=project, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"rms {' '.join(arguments)} failed: {done.stderr[-2000:]}")
    return done.stdout


if __name__ == "__main__":
    main()
