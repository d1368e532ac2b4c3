"""The embedded judge beside a plain Trainer loop on the same model and data, and how fast it scores.

    python bench/judge.py                               on data/dataset of this project
    python bench/judge.py --dataset DATASET --images 40

Plain is what one writes first: a Trainer whose collator looks at the pictures and reads the texts of each batch, in
each epoch. It takes minutes even on the rows of a few photographs, which is what --images is for. AUROC is on the test
split, with a 95% interval over photographs; the two differ by the draws of dropout.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from rms import encoder
from rms.compose import params_for
from rms.judge import Example, Query, load, reading
from rms.judge.embedded import EmbeddedJudge, Plan
from rms.measure.benchmark import predict, split_benchmark
from rms.params import EmbeddedJudge as Settings
from rms.perception import load_elements
from rms.records import Sample
from rms.store import read_table

SEED = 0


class Clock:
    """Seconds on the wall and of the processor."""

    wall = cpu = 0.0


@contextmanager
def timed() -> Iterator[Clock]:
    clock, wall, cpu = Clock(), time.perf_counter(), time.process_time()
    yield clock
    clock.wall, clock.cpu = time.perf_counter() - wall, time.process_time() - cpu


def main() -> None:
    """Measure and print; exit with 1 where a target was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", type=Path, default=Path("data/dataset"), help="what the stage `build` wrote")
    parser.add_argument("--images", type=int, default=40, help="photographs whose rows both learn from")
    parser.add_argument("--only", choices=["training", "scoring"], help="one half")
    parser.add_argument("--scored", type=int, default=10_000, help="samples to score")
    options = parser.parse_args()
    if not (options.dataset / "train").is_dir():
        sys.exit(f"{options.dataset}: no dataset; run `dvc repro build`, or name one with --dataset")
    settings = params_for(["judge=embedded"]).judge
    assert isinstance(settings, Settings)
    whole = rows_of(options.dataset / "train")
    train, validation, test = (
        whole[: rows_on(whole, options.images)],
        *(rows_of(options.dataset / split) for split in ("validation", "test")),
    )
    warm_up(test[0])
    missed: list[str] = []
    with tempfile.TemporaryDirectory() as scratch:
        plan = Plan(settings, SEED, Path(scratch) / "curves")
        if options.only != "scoring":
            missed += training(plan, train, validation, test)
            whole_training(plan, whole, validation)
        if options.only != "training":
            missed += scoring(plan, train, validation, options.dataset, options.scored)
    sys.exit(1 if missed else 0)


def training(plan: Plan, train: list[Example], validation: list[Example], test: list[Example]) -> list[str]:
    """Both ways on the same rows."""
    settings = plan.settings
    print(f"fine-tuning on {len(train)} rows of {distinct(train)} photographs, {settings.epochs} epochs")
    forget()
    judge = EmbeddedJudge.untrained("full", plan)
    with timed() as own:
        judge.fit(train, validation)
    plain = EmbeddedJudge.untrained("full", plan)
    with timed() as theirs:
        train_plainly(plain, settings, train, validation)
    shown = settings.epochs * len(train)
    for name, clock in (("plain", theirs), ("embedded", own)):
        print(f"  {name:9} {clock.wall:7.1f} s ({clock.cpu:.1f} s of processor), {shown / clock.wall:8.1f} samples/s")
    labels = np.array([row.label for row in test])
    images = np.unique([row.query.images[0] for row in test], return_inverse=True)[1]
    queries = [row.query for row in test]
    scores = [one.p_unsafe(queries) for one in (judge, plain)]
    own_auroc, plain_auroc = (auroc(labels, one) for one in scores)
    low, high = interval(labels, images, scores[0])
    print(f"  AUROC {own_auroc:.4f} [{low:.4f}, {high:.4f}], plain {plain_auroc:.4f}")
    faster = theirs.wall / own.wall
    return [
        *verdict(faster >= 3, f"{faster:.1f} x the samples/s of the plain loop (3)"),
        *verdict(low <= plain_auroc <= high, "equal AUROC within the interval"),
    ]


def whole_training(plan: Plan, whole: list[Example], validation: list[Example]) -> None:
    """The embedded judge alone, on every row."""
    forget()
    judge = EmbeddedJudge.untrained("full", plan)
    with timed() as clock:
        judge.fit(whole, validation)
    rate = plan.settings.epochs * len(whole) / clock.wall
    print(f"fine-tuning on all {len(whole)} rows of {distinct(whole)} photographs: {clock.wall:.1f} s ", end="")
    print(f"({clock.cpu:.1f} s of processor), {rate:.1f} samples/s", flush=True)


def scoring(plan: Plan, train: list[Example], validation: list[Example], dataset: Path, count: int) -> list[str]:
    """A saved judge on many samples, from cold: nothing is remembered of what it learned on."""
    folder = plan.curves.with_name("judge")
    folder.mkdir()
    judge = EmbeddedJudge.untrained("full", plan)
    judge.fit(train, validation)
    judge.save(folder)
    benchmark = split_benchmark("train", dataset / "train")
    benchmark = benchmark._replace(cases=benchmark.cases[:count])
    forget()
    looked = counted()
    with timed() as clock:
        scored = len(list(predict(benchmark, "full", load(folder), SEED)))
    images = len({case.image_ids for case in benchmark.cases})
    texts = len({case.text for case in benchmark.cases})
    rate = scored / clock.wall
    print(f"scoring {scored} samples, {texts} texts on {images} photographs: ", end="")
    print(f"{clock.wall:.1f} s ({clock.cpu:.1f} s of processor, {scored / clock.cpu:.0f} samples for each)")
    return [
        *verdict(rate >= 300, f"{rate:.0f} samples/s (300 on two cores of one's own)"),
        *verdict(len(looked) == images, f"{len(looked)} photographs perceived (each once: {images})"),
    ]


def train_plainly(judge: EmbeddedJudge, settings: Settings, train: list[Example], validation: list[Example]) -> None:
    """A Trainer over the examples as they are; what a picture or a text was read as is not remembered."""
    import torch  # noqa: PLC0415 - heavy
    from transformers import PrinterCallback, Trainer, TrainingArguments  # noqa: PLC0415 - heavy

    def collate(rows: Sequence[Example]) -> dict[str, Any]:
        forget()
        read = judge._reader.read([row.query for row in rows])
        labels = torch.tensor([row.label for row in rows])
        return {"text": torch.from_numpy(read.text), "scene": torch.from_numpy(read.scene), "labels": labels}

    with tempfile.TemporaryDirectory() as scratch:
        arguments = TrainingArguments(
            output_dir=scratch, num_train_epochs=settings.epochs, per_device_train_batch_size=settings.batch_size,
            learning_rate=settings.lr, weight_decay=settings.weight_decay, warmup_steps=settings.warmup_ratio,
            lr_scheduler_type="linear", seed=SEED, data_seed=SEED, save_strategy="no", logging_strategy="no",
            report_to="none", use_cpu=True, dataloader_pin_memory=False, disable_tqdm=not sys.stderr.isatty(),
            remove_unused_columns=False, label_names=["labels"],
        )  # fmt: skip
        trainer = Trainer(model=judge._network, args=arguments, train_dataset=train, data_collator=collate)
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    judge._network.eval()
    judge.p_unsafe([row.query for row in validation])  # for the threshold, once, as the other


def rows_of(folder: Path) -> list[Example]:
    pictures: dict[str, bytes] = {}
    samples = sorted(read_table(folder, Sample), key=lambda sample: sample.image_id)
    return [
        Example(
            Query((pictures.setdefault(sample.image_id, sample.image),), sample.text), int(sample.label == "unsafe")
        )
        for sample in samples
    ]


def rows_on(rows: Sequence[Example], images: int) -> int:
    """How many of the first rows are on so many photographs."""
    seen: set[bytes] = set()
    for number, row in enumerate(rows):
        seen.add(row.query.images[0])
        if len(seen) > images:
            return number
    return len(rows)


def distinct(rows: Sequence[Example]) -> int:
    return len({row.query.images for row in rows})


def warm_up(row: Example) -> None:
    """Load what both need, so that neither pays for it."""
    import torch  # noqa: F401, PLC0415
    import transformers  # noqa: F401, PLC0415

    reading.Reader(load_elements(), "full").read([row.query])


def forget() -> None:
    """As in a new process."""
    for scenes in reading._seen.values():
        scenes.clear()
    encoder._recent.clear()


def counted() -> list[int]:
    """Grows by one with each picture that is looked at from now on."""
    looked: list[int] = []
    real = reading.perceive
    reading.perceive = lambda image: (looked.append(1), real(image))[1]
    return looked


def auroc(labels: np.ndarray, scores: np.ndarray) -> float:
    from sklearn.metrics import roc_auc_score  # noqa: PLC0415 - heavy

    return float(roc_auc_score(labels, scores))


def interval(labels: np.ndarray, images: np.ndarray, scores: np.ndarray) -> tuple[float, float]:
    """95% of the AUROCs over resampled photographs."""
    generator = np.random.default_rng(SEED)
    rows = [np.flatnonzero(images == image) for image in range(images.max() + 1)]
    found = []
    for _ in range(300):
        chosen = np.concatenate([rows[image] for image in generator.integers(0, len(rows), len(rows))])
        found.append(auroc(labels[chosen], scores[chosen]))
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


def verdict(reached: bool, what: str) -> list[str]:
    """Print a line that says whether a target was reached; return it where it was not."""
    print(f"  {'ok    ' if reached else 'MISSED'} {what}", flush=True)
    return [] if reached else [what]


if __name__ == "__main__":
    main()
