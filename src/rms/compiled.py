"""Networks of PyTorch, compiled to ONNX once and run by ONNX Runtime ever after.

Two to three times faster on a processor than the network it was made from, and a process that only runs it
never loads PyTorch, which takes longer than most of what the embedded default asks of its networks.
"""

import logging
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

from rms.cache import cache_folder

if TYPE_CHECKING:
    import onnxruntime
    import torch

_OPSET = 18

_one_at_a_time = Lock()
_sessions: "dict[tuple[str, str, int], onnxruntime.InferenceSession]" = {}


class Source(NamedTuple):
    """A network to export: inputs by name with an example, the axes of each that vary, and names of outputs."""

    network: "torch.nn.Module"
    inputs: Mapping[str, "torch.Tensor"]
    outputs: Sequence[str]
    varying: Mapping[str, Mapping[int, str]]


def load(name: str, identity: str, source: Callable[[], Source], threads: int) -> "onnxruntime.InferenceSession":
    """The network `name` as a session that computes on `threads` threads of its own per call.

    `identity` stands for its weights and everything else that shapes it. The compiled file lies in the cache folder;
    it is made by `source` where there is none, or one that cannot be read. Sessions may be called from
    several threads at once.
    """
    with _one_at_a_time:  # PyTorch's exporter bears no second one beside it
        key = (name, identity, threads)
        if key not in _sessions:
            _sessions[key] = _load(name, identity, source, threads)
        return _sessions[key]


def _load(name: str, identity: str, source: Callable[[], Source], threads: int) -> "onnxruntime.InferenceSession":
    file = cache_folder() / "compiled" / f"{name}-{identity[:16]}-torch{version('torch')}-opset{_OPSET}.onnx"
    if file.exists():
        try:
            return _session(file, threads)
        except Exception as error:  # ONNX Runtime has no common base for what a damaged file raises
            logging.getLogger(__name__).warning("%s: compiled again (%s)", file, error)
    _compile(source(), file)
    return _session(file, threads)


def _session(file: Path, threads: int) -> "onnxruntime.InferenceSession":
    import onnxruntime  # noqa: PLC0415 - heavy

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry(
        "session.intra_op.allow_spinning", "0"
    )  # waiting threads leave the cores to others
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def _compile(source: Source, file: Path) -> None:
    import torch  # noqa: PLC0415 - heavy

    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}.partial")
    settings: dict[str, Any] = {
        "input_names": list(source.inputs),
        "output_names": list(source.outputs),
        "dynamic_axes": {name: dict(axes) for name, axes in source.varying.items()},
        "opset_version": _OPSET,
        "dynamo": False,  # the newer exporter needs another package and ten times as long for the same graph
    }
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # it speaks of its own age, and of shapes it cannot fold
        torch.onnx.export(source.network.eval(), tuple(source.inputs.values()), str(draft), **settings)
    draft.replace(file)
