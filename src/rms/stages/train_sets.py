"""Stage `train_sets`: what judges learn from: decontaminated, of both classes, and of one size.

One stage for all training sets, because each one's size depends on the others'. Each has a folder of its own: its
judges are fine-tuned again when that folder changes, and not otherwise.
"""

from pathlib import Path
from typing import Any

from rms.contamination import Held, held_corpus, held_split
from rms.params import OURS, Params
from rms.records import CorpusFingerprint, TrainSample
from rms.store import output_folder, read_json, read_table
from rms.train_sets import (
    Source,
    completed,
    corpus_source,
    cut,
    dataset_source,
    decontaminated,
    drawing_order,
    rows_of_each,
    write_removed,
    write_train_set,
)

DATASETS = {"rms": Path("data/dataset"), "risk_oriented": Path("data/risk_oriented")}
IMAGES = Path("data/images/images")
TRAIN_CORPORA = Path("data/train_corpora")
CORPORA = Path("data/corpora")
OUTPUT = Path("data/train_sets")


def run(params: Params) -> None:
    """Write `data/train_sets/<name>/` for each training set, with facts and removed rows beside it."""
    settings = params.finetune
    tests = _tests(params)
    pools = [settings.benign_pool] if settings.benign_pool else []
    clean = {name: _clean(name, params, tests) for name in dict.fromkeys([*pools, *settings.train_sets])}
    pool = clean[pools[0]] if pools else None
    sources = {name: completed(clean[name], pool, params.seed) for name in settings.train_sets}
    ordered = {
        name: [member.row for member in drawing_order(source.members, params.seed)] for name, source in sources.items()
    }
    chosen: dict[str, list[TrainSample]] = {name: [] for name in sources}
    for split in ("train", "validation"):
        rows = {name: [row for row in found if row.split == split] for name, found in ordered.items()}
        size = settings.size if split == "train" or settings.size is None else "match"
        for name, count in rows_of_each(split, {name: len(found) for name, found in rows.items()}, size).items():
            chosen[name] += cut(rows[name], count)
    with output_folder(OUTPUT) as draft:
        for name, source in sources.items():
            write_train_set(draft, source, pool, chosen[name], _about(name))
        if pool and pool.name not in sources:
            write_removed(draft, pool)


def _tests(params: Params) -> list[Held]:
    """Whatever judges are tried on: the corpora, and the test splits of ours that `evaluate` takes."""
    prints = {item.image_id: item for item in read_table(IMAGES, CorpusFingerprint)}
    corpora = [held_corpus(name, CORPORA / name) for name in params.corpora.names]
    return [*corpora, *(held_split(name, DATASETS[name] / "test", prints) for name in params.finetune.own_tests)]


def _clean(name: str, params: Params, tests: list[Held]) -> Source:
    """A training set without what `tests` hold. Our own test splits were made apart from what we learn from."""
    bits = params.images.near_duplicate_bits
    if name in OURS:
        source = dataset_source(name, DATASETS[name], IMAGES)
        return decontaminated(source, [test for test in tests if test.name != name], bits)
    share = params.finetune.validation_share
    return decontaminated(corpus_source(name, TRAIN_CORPORA / name, share, bits, params.seed), tests, bits)


def _about(name: str) -> dict[str, Any]:
    """Licence and derivation of labels; our own rows have each photograph's licence, which their dataset lists."""
    if name in OURS:
        return {"licence": "see the dataset card"}
    summary: dict[str, Any] = read_json(TRAIN_CORPORA / name / "summary.json")
    return summary
