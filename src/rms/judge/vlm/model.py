"""Finding, loading and saving the model behind a vision-language judge."""

import hashlib
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch

from rms.errors import RmsError
from rms.judge.vlm.card import Method, Precision
from rms.judge.vlm.faults import computing, fetching
from rms.params import Lora
from rms.runtime import quiet_transformers
from rms.store import read_json

_SHA256_DIGITS = 64
_OF_AN_ADAPTER = frozenset(
    {"r", "lora_alpha", "lora_dropout", "target_modules"}  # as `to_train` chooses them
    | {"inference_mode", "base_model_name_or_path", "auto_mapping", "peft_version"}  # notes that loading does not read
)
"""What an adapter's configuration may say of its own; everything else is as peft has it by default."""


class Base(NamedTuple):
    """A pretrained model, named so that it is found again as it is."""

    name: str
    """Name on the Hub, or path of a folder."""
    revision: str
    """Commit on the Hub; for a folder the sha256 of its configuration and weights."""
    trust_remote_code: bool

    @property
    def on_hub(self) -> bool:
        """Whether `revision` is a commit (40 digits), and no sha256 (64)."""
        return len(self.revision) != _SHA256_DIGITS

    @property
    def commit(self) -> str | None:
        """What the Hub is asked for."""
        return self.revision if self.on_hub else None


def find_base(name: str, revision: str | None, *, trust_remote_code: bool) -> Base:
    """The model `name` as it stands now; RmsError where there is none, or it does not answer in text about images."""
    from transformers import AutoConfig  # noqa: PLC0415 - heavy
    from transformers.models.auto.modeling_auto import (  # noqa: PLC0415
        MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES as KNOWN,
    )

    quiet_transformers()
    folder = Path(name).expanduser()
    if folder.is_dir() and not (folder / "config.json").is_file():
        raise RmsError(f"judge.model = {name}: the folder has no config.json, so it holds no model")
    name = str(folder) if folder.is_dir() else name
    with fetching(f"judge.model = {name}", revision):
        config = AutoConfig.from_pretrained(name, revision=revision, trust_remote_code=trust_remote_code)
    own_code = "AutoModelForImageTextToText" in (getattr(config, "auto_map", None) or {})
    if config.model_type not in KNOWN and not (own_code and trust_remote_code):
        raise RmsError(
            f"judge.model = {name}: a {config.model_type} model is no vision-language model; "
            "one that answers in text about images is needed (AutoModelForImageTextToText)"
        )
    if folder.is_dir():
        return Base(name, _digest(folder), trust_remote_code)
    return Base(name, getattr(config, "_commit_hash", None) or revision or "main", trust_remote_code)


def check_base(base: Base, judge: Path) -> None:
    """RmsError unless the folder that an adapter was trained on is there, unchanged."""
    if base.on_hub:
        return
    folder = Path(base.name)
    if not folder.is_dir():
        raise RmsError(f"{judge}: needs its base model in {base.name}, which is not there")
    if _digest(folder) != base.revision:
        raise RmsError(f"{judge}: its base model in {base.name} is no longer the one it was trained on")


def check_adapter(folder: Path) -> None:
    """RmsError unless the adapter is a plain LoRA in safetensors.

    peft would take a pickled file too, and other kinds of adapters and settings, of which some import modules that they
    name, read further files, or change the base.
    """
    from peft import LoraConfig  # noqa: PLC0415 - heavy

    if not (folder / "adapter_model.safetensors").is_file():
        raise RmsError(f"{folder}: has no adapter_model.safetensors, and no other form of weights is read")
    file = folder / "adapter_config.json"
    said = read_json(file)
    kind = said.get("peft_type") if isinstance(said, dict) else None
    if kind != "LORA":
        raise RmsError(f"{file}: peft_type = {kind!r}: only LORA adapters are read")
    plain: dict[str, Any] = LoraConfig().to_dict()  # type: ignore[no-untyped-call]
    for name, value in said.items():
        if value and name not in _OF_AN_ADAPTER and value != plain.get(name):
            raise RmsError(f"{file}: {name}: is not as `rms` saves an adapter, and is not read")


def device() -> torch.device:
    """The first GPU, or the processor where there is none."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def check_processes(processes: int) -> None:
    """RmsError where this machine has GPUs, and fewer than one for each process."""
    if 0 < torch.cuda.device_count() < processes:
        raise RmsError(f"judge.launch.processes = {processes}: this machine has {torch.cuda.device_count()} GPUs")


def precision(wanted: Literal["auto", "bf16", "fp32"]) -> Precision:
    """What to compute in: bf16 for "auto" on a GPU that has it, fp32 elsewhere."""
    if wanted != "auto":
        return wanted
    return "bf16" if torch.cuda.is_available() and torch.cuda.is_bf16_supported() else "fp32"


def check_quantization() -> None:
    """RmsError unless models can be loaded in 4 bits here."""
    if find_spec("bitsandbytes") is None:
        raise RmsError("judge.quantize = true: needs the package bitsandbytes, which is not installed")
    if not torch.cuda.is_available():
        raise RmsError("judge.quantize = true: needs a GPU, and none is found; set judge.quantize=false")


def load_base(
    place: str | Path, commit: str | None, *, dtype: torch.dtype, quantize: bool, trust_remote_code: bool
) -> Any:
    """The model's network on its device; RmsError when weights are missing, damaged or no safetensors.

    Likewise where an adapter lies with the model: transformers would put it on, and nobody has looked at it.
    """
    from transformers import AutoModelForImageTextToText  # noqa: PLC0415 - heavy
    from transformers.utils import find_adapter_config_file  # noqa: PLC0415

    quiet_transformers()
    options: dict[str, Any] = {}
    if quantize:
        check_quantization()
        options = {"quantization_config": _four_bits(), "device_map": {"": device()}}
    with fetching(str(place), commit):
        adapter = find_adapter_config_file(str(place), revision=commit)
    if adapter is not None:
        raise RmsError(f"{place}: holds an adapter (adapter_config.json), where a whole model is needed; merge the two")
    with fetching(str(place), commit), computing(str(place)):
        model, info = AutoModelForImageTextToText.from_pretrained(
            place,
            revision=commit,
            dtype=dtype,
            use_safetensors=True,
            trust_remote_code=trust_remote_code,
            output_loading_info=True,
            **options,
        )
    if info["missing_keys"]:
        raise RmsError(f"{place}: weights are missing: {sorted(info['missing_keys'])[0]} and perhaps more")
    with computing(str(place)):
        return model if quantize else model.to(device())


def load_trained(
    folder: Path, base: Base, method: Method, kind: Precision, *, quantize: bool, adapter: str = "default"
) -> Any:
    """The network that `save_trained` wrote into `folder`, ready to score; its adapter gets the name `adapter`."""
    dtype = _dtype(kind)
    if method == "full":
        model = load_base(folder, None, dtype=dtype, quantize=False, trust_remote_code=base.trust_remote_code)
        return model.eval()
    from peft import PeftModel  # noqa: PLC0415 - heavy

    check_base(base, folder)
    check_adapter(folder)
    network = load_base(
        base.name, base.commit, dtype=dtype, quantize=quantize, trust_remote_code=base.trust_remote_code
    )
    with fetching(str(folder), None), _no_renames():
        return PeftModel.from_pretrained(network, str(folder), adapter_name=adapter).eval()


def to_train(
    base: Base, method: Method, lora: Lora, kind: Precision, *, quantize: bool, gradient_checkpointing: bool
) -> Any:
    """The base as it is fine-tuned: whole in single precision, or frozen under a LoRA adapter.

    A full fine-tune keeps single-precision weights even where it computes in bf16: steps smaller than bf16 can tell
    apart would be lost.
    """
    dtype = torch.float32 if method == "full" else _dtype(kind)
    model = load_base(base.name, base.commit, dtype=dtype, quantize=quantize, trust_remote_code=base.trust_remote_code)
    model.config.use_cache = False
    if method == "full":
        return model
    from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training  # noqa: PLC0415 - heavy

    if quantize:
        model = prepare_model_for_kbit_training(  # type: ignore[no-untyped-call]
            model,
            use_gradient_checkpointing=gradient_checkpointing,
            gradient_checkpointing_kwargs={"use_reentrant": False},
        )
    targets = "all-linear" if lora.vision else _language_layers(model)
    config = LoraConfig(
        r=lora.rank, lora_alpha=lora.alpha, lora_dropout=lora.dropout, target_modules=targets, bias="none"
    )
    with _no_renames():
        return get_peft_model(model, config)


def save_trained(model: Any, method: Method, kind: Precision, folder: Path) -> None:
    """Write what was trained, as safetensors in Hugging Face's layout: the whole model, or the adapter alone."""
    if method == "full":
        model.to(_dtype(kind)).save_pretrained(folder)
        return
    model.save_pretrained(str(folder), save_embedding_layers=False)
    model.config.save_pretrained(folder)  # says which processor it takes
    (folder / "README.md").unlink(missing_ok=True)  # a model card without a word in it


def tokens_of(wanted: int | None, model: Any) -> int:
    """Tokens of prompt and answer together: as many as wanted, at most what the model reads."""
    context = getattr(model.config.get_text_config(), "max_position_embeddings", None) or sys.maxsize
    return min(wanted or context, context)


def _language_layers(model: Any) -> str:
    """A pattern of the names of every linear layer of the language model, and of none that sees the picture."""
    decoder = model.get_decoder()
    prefix = next(name for name, module in model.named_modules() if module is decoder)
    names = {name.rpartition(".")[2] for name, module in decoder.named_modules() if isinstance(module, torch.nn.Linear)}
    return rf"{re.escape(prefix)}\..*\.({'|'.join(sorted(names))})"


@contextmanager
def _no_renames() -> Iterator[None]:
    """No word of names that transformers has changed and peft still asks for."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        yield


def _four_bits() -> Any:
    """QLoRA's form of 4-bit weights (Dettmers et al. 2023): NormalFloat with quantised constants."""
    from transformers import BitsAndBytesConfig  # noqa: PLC0415 - heavy

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )


def _dtype(kind: Precision) -> torch.dtype:
    return torch.bfloat16 if kind == "bf16" else torch.float32


def _digest(folder: Path) -> str:
    """Of the configuration and the weights, names included."""
    total = hashlib.sha256()
    for file in sorted([folder / "config.json", *folder.glob("*.safetensors")]):
        with file.open("rb") as stream:
            total.update(f"{file.name} {hashlib.file_digest(stream, 'sha256').hexdigest()}\n".encode())
    return total.hexdigest()
