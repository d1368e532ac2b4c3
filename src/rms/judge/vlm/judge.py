"""The judge: P(unsafe) from the next-token distribution of a fine-tuned vision-language model."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rms.errors import RmsError
from rms.judge.interface import CARD, Example, Modality, QueryLike
from rms.judge.queries import as_queries
from rms.judge.threshold import best_threshold
from rms.judge.vlm.card import Card, read_card, sizes, write_card
from rms.judge.vlm.checkpoints import Checkpoints
from rms.judge.vlm.policy import read_policy
from rms.judge.vlm.prompt import frame
from rms.params import VlmJudge as Settings

if TYPE_CHECKING:
    from rms.judge.vlm.scorer import Scorer


class Plan(NamedTuple):
    """How to train: settings, seed, the folder for the learning curves, and where checkpoints are kept."""

    settings: Settings
    seed: int
    curves: Path
    checkpoints: Checkpoints


class VlmJudge:
    """A vision-language model that is asked whether pictures and words are safe together.

    What it takes to answer alike elsewhere is saved with it: weights or adapter, processor with its chat template,
    the words of the prompt with the policy, the name and revision of the base. A judge of adapters needs its base.
    """

    def __init__(self, modality: Modality, plan: Plan | None = None) -> None:
        self.modality = modality
        self.threshold = 0.5
        self._plan = plan
        self._card: Card | None = None
        self._folder: Path | None = None
        self._scorer: Scorer | None = None

    @classmethod
    def untrained(cls, modality: Modality, plan: Plan) -> "VlmJudge":
        """A judge to be trained after `plan`; the policy is checked at once, the model is loaded when it trains."""
        read_policy(Path(plan.settings.policy))
        return cls(modality, plan)

    @property
    def shortened(self) -> int:
        """Texts so far that were longer than what the model reads, and lost words (see `Reader`)."""
        return self._scorer.shortened if self._scorer else 0

    def fit(self, train: Sequence[Example], validation: Sequence[Example]) -> None:
        """Fine-tune, or go on where a killed training left off; choose the threshold on `validation`."""
        from rms.judge.vlm.launch import run_training  # noqa: PLC0415 - loads torch
        from rms.judge.vlm.model import find_base, precision  # noqa: PLC0415
        from rms.judge.vlm.training import Training  # noqa: PLC0415

        if self._plan is None:
            raise RmsError("a judge that was loaded cannot be trained further; start from VlmJudge.untrained")
        settings, seed, curves, checkpoints = self._plan
        policy = read_policy(Path(settings.policy))
        base = find_base(settings.model, settings.revision, trust_remote_code=settings.trust_remote_code)
        key = [settings.model_dump_json(), str(seed), self.modality, base.revision, frame(policy.text).text]
        folder = checkpoints.folder(key, (*train, *validation))
        training = Training(settings, base, policy.text, self.modality, seed, folder)
        if not training.trained.is_dir():
            run_training(training, train, validation)
        shutil.copytree(training.curves, curves, dirs_exist_ok=True)
        card = Card(
            kind="vlm",
            modality=self.modality,
            threshold=0.5,
            base=base.name,
            revision=base.revision,
            trust_remote_code=base.trust_remote_code,
            method=settings.method,
            quantize=settings.quantize,
            precision=precision(settings.precision),
            policy=policy.version,
            rationale=settings.rationale,
            max_images=settings.max_images,
            max_pixels=settings.max_pixels,
            max_tokens=settings.max_tokens,
            batch_size=settings.batch_size,
            shortened=0,
            files={},
        )
        self._open(card, training.trained)
        self.threshold = best_threshold(
            [example.label for example in validation], self.p_unsafe([example.query for example in validation])
        )

    def p_unsafe(self, batch: Sequence[QueryLike]) -> NDArray[np.float64]:
        if self._scorer is None:
            raise RmsError("the judge is not trained yet; call fit, or load a trained one")
        before = self._scorer.shortened
        scores = self._scorer.p_unsafe(as_queries(batch))
        if before == 0 < self._scorer.shortened:
            print(
                f"judge: a text did not fit in {self._scorer.max_tokens} tokens and lost words (its beginning, or the "
                "end of a response); VlmJudge.shortened counts such texts",
                file=sys.stderr,
            )
        return scores

    def explain(self, query: QueryLike) -> str:
        """One line of reasons behind the verdict on `query`; for judges trained with `judge.rationale`."""
        if self._card is None or self._scorer is None or not self._card.rationale:
            raise RmsError("the judge has not learned to say why; train one with judge.rationale=true")
        unsafe = self.p_unsafe([query])[0] >= self.threshold
        return self._scorer.explain(as_queries([query])[0], int(unsafe))

    def save(self, folder: Path) -> None:
        if self._card is None or self._folder is None:
            raise RmsError("the judge is not trained yet, so there is nothing to save")
        shutil.copytree(self._folder, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(CARD))
        update = {"threshold": self.threshold, "shortened": self.shortened, "files": sizes(folder)}
        write_card(folder, self._card.model_copy(update=update))

    @classmethod
    def load(cls, folder: Path) -> "VlmJudge":
        """The judge as saved; RmsError names the file that is missing or cut short, or the base that is not found."""
        card = read_card(folder)
        judge = cls(card.modality)
        judge._open(card, folder)
        return judge

    def _open(self, card: Card, folder: Path) -> None:
        """Take over what lies in `folder`."""
        from rms.judge.vlm.scorer import Scorer  # noqa: PLC0415 - loads torch

        self._scorer = Scorer(card, folder)
        self._card, self._folder, self.threshold = card, folder, card.threshold
