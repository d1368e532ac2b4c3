"""Stage `corpora`: one safety dataset, public or embedded, in the common schema."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rms.corpora import Adapter, adapter, read
from rms.corpora.embedded import materialise
from rms.corpora.hub import by_hand, fetched_revision
from rms.corpora.summary import summarise
from rms.errors import RmsError
from rms.params import Corpora, Params
from rms.records import CorpusImage, CorpusReject, CorpusSample
from rms.store import output_folder, write_json, write_jsonl, write_table

OUT = Path("data/corpora")


def run(params: Params, name: str) -> None:
    """Read the corpus `name` into `data/corpora/<name>/`."""
    settings = params.corpora
    corpus = adapter(name, settings.options.get(name))
    samples: list[CorpusSample] = []
    rejects: list[CorpusReject] = []

    def images(folder: Path | None) -> Iterator[CorpusImage]:
        for record in read(corpus, folder, settings.split) if folder else ():
            if isinstance(record, CorpusImage):
                yield record
            elif isinstance(record, CorpusSample):
                samples.append(record)
            else:
                rejects.append(record)

    with _layout(settings, corpus) as folder, output_folder(OUT / name) as draft:
        count = write_table(draft / "images", CorpusImage, images(folder))
        write_table(draft / "samples", CorpusSample, samples)
        write_jsonl(draft / "rejects.jsonl", rejects)
        facts = summarise(
            corpus,
            settings.split,
            count,
            samples,
            rejects,
            embedded=settings.kind == "embedded",
            missing=folder is None,
            fetched=fetched_revision(folder, settings.split) if folder else None,
        )
        write_json(draft / "summary.json", facts)


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
    elif folder.is_dir() and any(folder.iterdir()):
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
