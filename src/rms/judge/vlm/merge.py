"""A judge's adapter merged into its base, for servers that take whole models."""

from pathlib import Path

from rms.errors import RmsError
from rms.judge.vlm.card import FRAME, MODEL, read_card
from rms.store import output_folder


def merge(judge: Path, out: Path) -> None:
    """Write the judge in the folder `judge` to the new folder `out` as one model in Hugging Face's layout.

    Weights (safetensors, in the precision the judge computes in), processor and chat template, with the words of the
    prompt beside them in `prompt.md`. A judge that was fine-tuned in full is written out as it is.
    """
    import shutil  # noqa: PLC0415

    from rms.judge.vlm.model import Base, load_trained  # noqa: PLC0415 - loads torch
    from rms.judge.vlm.processor import load_processor  # noqa: PLC0415

    if out.exists():
        raise RmsError(f"{out}: exists already; name a new folder")
    card = read_card(judge)
    base = Base(card.base, card.revision, card.trust_remote_code)
    model = load_trained(judge / MODEL, base, card.method, card.precision, quantize=False)
    with output_folder(out) as folder:
        whole = model if card.method == "full" else model.merge_and_unload()
        whole.save_pretrained(folder)
        load_processor(judge / MODEL, None, trust_remote_code=card.trust_remote_code).save_pretrained(folder)
        shutil.copyfile(judge / FRAME, folder / FRAME)
