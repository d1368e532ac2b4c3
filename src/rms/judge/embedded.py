"""The embedded judge: small enough to fine-tune in seconds on two CPU cores."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError

from rms.encoder import DIMENSIONS, weights_sha256
from rms.encoder import MODEL as ENCODER
from rms.errors import RmsError, one_line
from rms.judge.interface import CARD, Example, Modality, QueryLike
from rms.judge.queries import as_queries
from rms.judge.reading import Reader, Readings
from rms.judge.threshold import best_threshold
from rms.params import EmbeddedJudge as Settings
from rms.params.section import Share
from rms.perception import load_elements
from rms.perception.elements import ELEMENTS_FILE
from rms.store import first_fault, read_json, write_json

if TYPE_CHECKING:
    from rms.judge.network import Network

_VOCABULARY = "elements.yaml"


class _Card(BaseModel):
    """What `judge.json` says of a saved judge."""

    kind: Literal["embedded"]
    modality: Modality
    threshold: Share
    encoder: str
    encoder_sha256: str


class Plan(NamedTuple):
    """How to train: settings, seed, and the folder for the learning curves."""

    settings: Settings
    seed: int
    curves: Path


class EmbeddedJudge:
    """A trained network over MiniLM's sentence vectors and the perceived scene elements with their confidences.

    MiniLM itself stays as it is: on our data, fine-tuning its upper layers moved validation AUROC by less than 0.01
    and cost many times the training time. `modality` makes the unimodal twins: the same network and training, blind to
    the image or to the text.
    """

    def __init__(self, modality: Modality, network: "Network", vocabulary: Path, plan: Plan | None = None) -> None:
        self.modality = modality
        self.threshold = 0.5
        self._network = network.eval()
        self._vocabulary = vocabulary
        self._plan = plan
        self._reader = Reader(load_elements(vocabulary), modality)

    @classmethod
    def untrained(cls, modality: Modality, plan: Plan) -> "EmbeddedJudge":
        """A judge to be trained after `plan`."""
        from transformers import set_seed  # noqa: PLC0415 - heavy

        from rms.judge.network import Network, NetworkConfig  # noqa: PLC0415 - heavy

        set_seed(plan.seed)  # the weights start from a draw
        scene_size = Reader(load_elements(), modality).scene_size
        config = NetworkConfig(
            text_size=DIMENSIONS, scene_size=scene_size, width=plan.settings.width, dropout=plan.settings.dropout
        )
        return cls(modality, Network(config), ELEMENTS_FILE, plan)

    def fit(self, train: Sequence[Example], validation: Sequence[Example]) -> None:
        from rms.judge.training import train_network  # noqa: PLC0415 - heavy

        if self._plan is None:
            raise RmsError("a judge that was loaded cannot be trained further; start from EmbeddedJudge.untrained")
        readings = self._reader.read([example.query for example in train])
        held_out = self._reader.read([example.query for example in validation])
        labels = [example.label for example in validation]
        train_network(self._network, (readings, [example.label for example in train]), (held_out, labels), self._plan)
        self.threshold = best_threshold(labels, self._score(held_out))

    def p_unsafe(self, batch: Sequence[QueryLike]) -> NDArray[np.float64]:
        return self._score(self._reader.read(as_queries(batch)))

    def _score(self, readings: Readings) -> NDArray[np.float64]:
        import torch  # noqa: PLC0415 - heavy

        with torch.inference_mode():
            logits = self._network(torch.from_numpy(readings.text), torch.from_numpy(readings.scene))["logits"]
        scores: NDArray[np.float64] = torch.sigmoid(logits.double()).numpy()
        return scores

    def save(self, folder: Path) -> None:
        self._network.save_pretrained(folder)
        shutil.copyfile(self._vocabulary, folder / _VOCABULARY)
        card = _Card(
            kind="embedded",
            modality=self.modality,
            threshold=self.threshold,
            encoder=ENCODER,
            encoder_sha256=weights_sha256(),
        )
        write_json(folder / CARD, card.model_dump())

    @classmethod
    def load(cls, folder: Path) -> "EmbeddedJudge":
        """The judge as saved: weights, scene vocabulary and threshold, on the encoder it was trained with."""
        from safetensors import SafetensorError  # noqa: PLC0415

        from rms.judge.network import Network  # noqa: PLC0415 - heavy

        try:
            card = _Card.model_validate(read_json(folder / CARD))
        except ValidationError as error:
            raise RmsError(f"{folder / CARD}: {first_fault(error)}") from None
        if card.encoder_sha256 != weights_sha256():
            raise RmsError(f"{folder}: was trained on another {card.encoder}; install the versions of the lock file")
        try:
            network = Network.from_pretrained(folder)
        except (OSError, RuntimeError, ValueError, SafetensorError) as error:
            raise RmsError(f"{folder}: not a complete judge ({one_line(error)}); run `dvc repro finetune`") from None
        judge = cls(card.modality, network, folder / _VOCABULARY)
        if (network.shape.text_size, network.shape.scene_size) != (DIMENSIONS, judge._reader.scene_size):
            raise RmsError(f"{folder}: {_VOCABULARY} and the weights are of two judges; run `dvc repro finetune`")
        judge.threshold = card.threshold
        return judge
