"""Stage `finetune`: the judge of one training set, its unimodal twins, and the majority baseline.

Where `finetune.fractions` asks for it, the judge also learns from a part of the rows, for the scaling curve.
"""

from collections.abc import Iterator
from pathlib import Path

from rms.assistant import Books
from rms.cache import cache_folder
from rms.errors import RmsError
from rms.judge.answered import check_answered
from rms.judge.baselines import Majority
from rms.judge.identity import IDENTITY, identify
from rms.judge.interface import Example, Judge, Modality
from rms.judge.vlm.checkpoints import Checkpoints
from rms.params import EmbeddedJudge as EmbeddedSettings
from rms.params import Params
from rms.params import VlmJudge as VlmSettings
from rms.store import output_folder, write_json
from rms.train_sets import TrainSet

TRAIN_SETS = Path("data/train_sets")
MODELS = Path("models/judge")
CURVES = Path("reports/train")
MODALITIES: tuple[Modality, ...] = ("full", "text_only", "image_only")


def run(params: Params, train_set: str) -> None:
    if train_set not in params.finetune.train_sets:
        known = ", ".join(params.finetune.train_sets)
        raise RmsError(f"finetune: no training set {train_set!r}; known: {known}")
    books = Books(params.budget_usd)
    with (
        TrainSet(TRAIN_SETS / train_set) as rows,
        Checkpoints(cache_folder() / "training") as checkpoints,
        output_folder(MODELS / train_set) as models,
        output_folder(CURVES / train_set) as curves,
    ):
        train, validation = rows.examples("train"), rows.examples("validation")
        for seed in params.finetune.seeds:
            of_seed = models / str(seed)
            for name, judge in _judges(params, seed, curves / str(seed), checkpoints, books):
                _fit(judge, train, validation, of_seed / name)
                check_answered(judge, f"finetune: {name}", params.max_failure_rate)
            identity = identify(of_seed / "full", params.judge.model_dump(), seed, train, rows.benign_pool)
            write_json(of_seed / IDENTITY, identity.model_dump())
            for fraction in params.finetune.fractions:
                if fraction < 1.0:
                    part, place = rows.examples("train", fraction), Path("scaling") / str(fraction)
                    judge = _judge(params, "full", seed, curves / str(seed) / place, checkpoints, books)
                    _fit(judge, part, validation, of_seed / place)
                    identity = identify(of_seed / place, params.judge.model_dump(), seed, part, rows.benign_pool)
                    write_json(of_seed / place / IDENTITY, identity.model_dump())
        books.write(models)


def _fit(judge: Judge, train: list[Example], validation: list[Example], folder: Path) -> None:
    judge.fit(train, validation)
    folder.mkdir(parents=True)
    judge.save(folder)


def _judges(
    params: Params, seed: int, curves: Path, checkpoints: Checkpoints, books: Books
) -> Iterator[tuple[str, Judge]]:
    """The untrained judges by name, one at a time: only one of them need be in memory."""
    for modality in MODALITIES:
        yield modality, _judge(params, modality, seed, curves / modality, checkpoints, books)
    yield "majority", Majority()


def _judge(
    params: Params, modality: Modality, seed: int, curves: Path, checkpoints: Checkpoints, books: Books
) -> Judge:
    settings = params.judge
    if isinstance(settings, EmbeddedSettings):
        from rms.judge.embedded import EmbeddedJudge  # noqa: PLC0415 - loads torch
        from rms.judge.embedded import Plan as EmbeddedPlan  # noqa: PLC0415

        return EmbeddedJudge.untrained(modality, EmbeddedPlan(settings, seed, curves))
    if isinstance(settings, VlmSettings):
        from rms.judge.vlm import Plan, VlmJudge  # noqa: PLC0415 - loads torch

        return VlmJudge.untrained(modality, Plan(settings, seed, curves, checkpoints))
    from rms.judge.api import ApiJudge  # noqa: PLC0415 - loads torch

    return ApiJudge.untrained(modality, settings, books)
