"""One split of a corpus as a folder of tables: pictures, samples, rejects, and a summary."""

from collections.abc import Iterator
from pathlib import Path

from rms.corpora.base import Adapter
from rms.corpora.hub import fetched_revision
from rms.corpora.reader import read
from rms.corpora.summary import summarise
from rms.records import CorpusImage, CorpusReject, CorpusSample
from rms.store import write_json, write_jsonl, write_table


def write_corpus(draft: Path, corpus: Adapter, split: str, folder: Path | None, *, embedded: bool = False) -> None:
    """Read `split` out of `folder` into the existing folder `draft`; None is a missing corpus, which has no rows."""
    samples: list[CorpusSample] = []
    rejects: list[CorpusReject] = []

    def images() -> Iterator[CorpusImage]:
        for record in read(corpus, folder, split) if folder else ():
            if isinstance(record, CorpusImage):
                yield record
            elif isinstance(record, CorpusSample):
                samples.append(record)
            else:
                rejects.append(record)

    count = write_table(draft / "images", CorpusImage, images())
    write_table(draft / "samples", CorpusSample, samples)
    write_jsonl(draft / "rejects.jsonl", rejects)
    facts = summarise(
        corpus,
        split,
        count,
        samples,
        rejects,
        embedded=embedded,
        missing=folder is None,
        fetched=fetched_revision(folder, split) if folder else None,
    )
    write_json(draft / "summary.json", facts)
