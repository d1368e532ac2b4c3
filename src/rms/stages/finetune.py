"""Stage `finetune`: the judge of one training set, its unimodal twins, and the majority baseline."""

from pathlib import Path

from rms.errors import RmsError
from rms.judge.baselines import Majority
from rms.judge.interface import Example, Judge, Query
from rms.params import EmbeddedJudge as EmbeddedSettings
from rms.params import Params
from rms.records import Sample, Split
from rms.store import output_folder, read_table

DATASETS = {"rms": Path("data/dataset"), "risk_oriented": Path("data/risk_oriented")}
MODELS = Path("models/judge")
CURVES = Path("reports/train")


def run(params: Params, train_set: str) -> None:
    if train_set not in DATASETS:
        raise RmsError(f"finetune: no training set {train_set!r}; known: {', '.join(DATASETS)}")
    train = _examples(DATASETS[train_set], "train")
    validation = _examples(DATASETS[train_set], "validation")
    with output_folder(MODELS / train_set) as models, output_folder(CURVES / train_set) as curves:
        for name, judge in _judges(params, curves).items():
            judge.fit(train, validation)
            (models / name).mkdir()
            judge.save(models / name)


def _judges(params: Params, curves: Path) -> dict[str, Judge]:
    if not isinstance(params.judge, EmbeddedSettings):
        raise RmsError(f"judge.kind = {params.judge.kind!r}: not built yet; use judge=embedded")
    from rms.judge.embedded import EmbeddedJudge, Plan  # noqa: PLC0415 - loads torch

    settings = params.judge
    return {
        "full": EmbeddedJudge.untrained("full", Plan(settings, params.seed, curves / "full")),
        "text_only": EmbeddedJudge.untrained("text_only", Plan(settings, params.seed, curves / "text_only")),
        "image_only": EmbeddedJudge.untrained("image_only", Plan(settings, params.seed, curves / "image_only")),
        "majority": Majority(),
    }


def _examples(dataset: Path, split: Split) -> list[Example]:
    """The rows of a split; a picture that several rows share is held once."""
    pictures: dict[str, bytes] = {}
    return [
        Example(
            Query((pictures.setdefault(sample.image_id, sample.image),), sample.text), int(sample.label == "unsafe")
        )
        for sample in read_table(dataset / split, Sample)
    ]
