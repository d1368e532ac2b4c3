"""Stage `corpora`: one safety dataset, public or embedded, in the common schema."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rms.corpora import Adapter, configured
from rms.corpora.embedded import materialise
from rms.corpora.hub import by_hand
from rms.corpora.paths import holds_files
from rms.corpora.writing import write_corpus
from rms.errors import RmsError
from rms.params import Corpora, Params
from rms.store import output_folder

OUT = Path("data/corpora")


def run(params: Params, name: str) -> None:
    """Read the corpus `name` into `data/corpora/<name>/`."""
    settings = params.corpora
    corpus = configured(name, settings.options)
    with _layout(settings, corpus) as folder, output_folder(OUT / name) as draft:
        write_corpus(draft, corpus, settings.split, folder, embedded=settings.kind == "embedded")


@contextmanager
def _layout(settings: Corpora, corpus: Adapter) -> Iterator[Path | None]:
    """The folder with the corpus in its public layout; None when it is missing and may be skipped."""
    folder = Path(settings.root) / corpus.name
    if settings.kind == "embedded":
        with tempfile.TemporaryDirectory() as drawn:
            layout = Path(drawn) / corpus.name
            layout.mkdir()
            materialise(folder, layout)
            yield layout
    elif holds_files(folder):
        yield folder
    else:
        state = "empty" if folder.is_dir() else "not found"
        what = f"{folder}: {state}; {by_hand(corpus, folder)}"
        if corpus.split(settings.split).download:
            what += f", or run `rms corpora fetch {corpus.name}`"
        if settings.on_missing == "error":
            raise RmsError(f"{what}, or set corpora.on_missing=skip")
        print(f"{what}; going on without it", file=sys.stderr)
        yield None
