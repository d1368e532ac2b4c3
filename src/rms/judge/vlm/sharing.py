"""One base in memory for all the adapters on it: a judge and its twins take hardly more room than the judge."""

from itertools import count
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary, finalize

from rms.judge.vlm.card import Card
from rms.judge.vlm.faults import fetching
from rms.judge.vlm.model import Base, check_adapter, check_base, load_trained

_bases: WeakValueDictionary[tuple[Base, str, bool], Any] = WeakValueDictionary()
_numbers = count()


class Network:
    """The trained network of a judge; the base of an adapter may be held together with others."""

    def __init__(self, card: Card, folder: Path) -> None:
        base = Base(card.base, card.revision, card.trust_remote_code)
        key = (base, card.precision, card.quantize)
        self._adapter = f"judge{next(_numbers)}" if card.method == "lora" else None
        model = _bases.get(key) if self._adapter else None
        if model is None:
            model = load_trained(
                folder, base, card.method, card.precision, quantize=card.quantize, adapter=self._adapter or ""
            )
        else:
            check_base(base, folder)
            check_adapter(folder)
            with fetching(str(folder), None):
                model.load_adapter(str(folder), adapter_name=self._adapter)
        self._model = model
        if self._adapter:
            _bases[key] = model
            finalize(self, _drop, model, self._adapter).atexit = False

    @property
    def model(self) -> Any:
        """The network with this judge's weights at work, until another judge's are asked for."""
        if self._adapter:
            self._model.set_adapter(self._adapter)
        return self._model


def _drop(model: Any, adapter: str) -> None:
    """Take an adapter out, unless it is the last: the whole goes then."""
    others = [name for name in model.peft_config if name != adapter]
    if others:
        model.set_adapter(others[0])
        model.delete_adapter(adapter)
