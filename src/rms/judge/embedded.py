"""The embedded judge: small enough to fine-tune in a minute or two on two CPU cores."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rms.encoder import model_folder
from rms.errors import RmsError, one_line
from rms.judge.interface import CARD, Example, Query
from rms.judge.reading import Modality, Reader, Reading
from rms.judge.threshold import best_threshold
from rms.params import EmbeddedJudge as Settings
from rms.perception import load_elements
from rms.perception.elements import ELEMENTS_FILE
from rms.progress import track
from rms.store import read_json, write_json

if TYPE_CHECKING:
    import torch

    from rms.judge.network import Network

MAX_TOKENS = 160
_BATCH = 64
_VOCABULARY = "elements.yaml"


class Plan(NamedTuple):
    """How to train: settings, seed, and the folder for the learning curves (None for none)."""

    settings: Settings
    seed: int
    curves: Path | None


class EmbeddedJudge:
    """MiniLM reads the perceived scene elements, with their confidences and tags, beside the text.

    `modality` makes its unimodal twins: the same network and training, blind to the image or to the text.
    """

    def __init__(
        self, modality: Modality, network: "Network", tokenizer: Any, vocabulary: Path, plan: Plan | None = None
    ) -> None:
        self.modality = modality
        self.threshold = 0.5
        self._network = network.eval()
        self._tokenizer = tokenizer
        self._vocabulary = vocabulary
        self._plan = plan
        self._reader = Reader(load_elements(vocabulary), modality)

    def fit(self, train: Sequence[Example], validation: Sequence[Example]) -> None:
        from rms.judge.training import train_network  # noqa: PLC0415 - heavy

        if self._plan is None:
            raise RmsError("a judge that was loaded cannot be trained further; start from EmbeddedJudge.untrained")
        labels = [example.label for example in validation]
        held_out = self._reader.read([example.query for example in validation])
        readings = self._reader.read([example.query for example in train])
        rows = [(reading, example.label) for reading, example in zip(readings, train, strict=True)]
        train_network(self._network, self.collate, rows, list(zip(held_out, labels, strict=True)), self._plan)
        self.threshold = best_threshold(labels, self._score(held_out))

    def p_unsafe(self, batch: Sequence[Query]) -> NDArray[np.float64]:
        return self._score(self._reader.read(batch))

    def _score(self, readings: Sequence[Reading]) -> NDArray[np.float64]:
        """Probabilities of unsafe, shape (len(readings),); batched by length, returned in order."""
        import torch  # noqa: PLC0415 - heavy

        order = sorted(range(len(readings)), key=lambda i: len(readings[i].scene) + len(readings[i].text))
        scores = np.empty(len(readings), dtype=np.float64)
        for start in track(range(0, len(order), _BATCH), "judge"):
            rows = order[start : start + _BATCH]
            with torch.inference_mode():
                logits = self._network(**self.collate([readings[i] for i in rows]))["logits"]
            scores[rows] = torch.sigmoid(logits.double()).numpy()
        return scores

    def collate(self, readings: Sequence[Reading]) -> "dict[str, torch.Tensor]":
        """Tensors of one batch."""
        import torch  # noqa: PLC0415 - heavy

        scenes, texts = [reading.scene for reading in readings], [reading.text for reading in readings]
        tokens = self._tokenizer(
            scenes, texts, padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt"
        )
        return {**tokens, "features": torch.from_numpy(np.stack([reading.features for reading in readings]))}

    def save(self, folder: Path) -> None:
        self._network.save_pretrained(folder)
        self._tokenizer.save_pretrained(folder)
        shutil.copyfile(self._vocabulary, folder / _VOCABULARY)
        write_json(folder / CARD, {"kind": "embedded", "modality": self.modality, "threshold": self.threshold})

    @classmethod
    def load(cls, folder: Path) -> "EmbeddedJudge":
        """The judge as saved: weights, tokenizer, scene vocabulary and threshold."""
        from transformers import AutoTokenizer  # noqa: PLC0415 - heavy

        from rms.judge.network import Network  # noqa: PLC0415 - heavy

        card = read_json(folder / CARD)
        try:
            network = Network.from_pretrained(folder, local_files_only=True, use_safetensors=True)
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError) as error:
            raise RmsError(f"{folder}: not a complete judge ({one_line(error)}); run `dvc repro finetune`") from None
        judge = cls(card["modality"], network, tokenizer, folder / _VOCABULARY)
        judge.threshold = float(card["threshold"])
        return judge

    @classmethod
    def untrained(cls, modality: Modality, plan: Plan) -> "EmbeddedJudge":
        """A judge on the packaged language model, to be fine-tuned after `plan`."""
        from transformers import AutoModel, AutoTokenizer, set_seed  # noqa: PLC0415 - heavy

        from rms.judge.network import Network, NetworkConfig  # noqa: PLC0415 - heavy

        folder = str(model_folder())
        encoder = AutoModel.from_pretrained(folder, local_files_only=True, add_pooling_layer=False)
        set_seed(plan.seed)  # the classifier starts from a draw
        network = Network(NetworkConfig(encoder=encoder.config.to_dict()))
        network.encoder.load_state_dict(encoder.state_dict())
        return cls(modality, network, AutoTokenizer.from_pretrained(folder, local_files_only=True), ELEMENTS_FILE, plan)
