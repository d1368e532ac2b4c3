"""Stage `train_corpora`: the training split of one public dataset, in the common schema."""

from pathlib import Path

from rms.corpora import configured, require_trainable
from rms.corpora.hub import by_hand
from rms.corpora.paths import holds_files
from rms.corpora.writing import write_corpus
from rms.errors import RmsError
from rms.params import Params
from rms.store import output_folder

OUT = Path("data/train_corpora")


def run(params: Params, name: str) -> None:
    """Read the training split of the corpus `name` into `data/train_corpora/<name>/`."""
    require_trainable(name)
    corpus = configured(name, params.corpora.options)
    folder = Path(params.train_corpora.root) / name
    if not holds_files(folder):
        how = f"{by_hand(corpus, folder)}, or run `rms corpora fetch {name} --split train`"
        raise RmsError(f"{folder}: no training split of {name} here; {how}")
    with output_folder(OUT / name) as draft:
        write_corpus(draft, corpus, "train", folder)
