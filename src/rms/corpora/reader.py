"""Rows of any adapter to records: every text and path is checked here, and nothing is dropped in silence."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from rms.corpora.base import MISSING, Adapter, Entry, EntryError, Fault, Field, Row
from rms.corpora.parquet import Cell, Content, pictures
from rms.corpora.paths import Refusal
from rms.corpora.pictures import Place, load
from rms.errors import RmsError
from rms.progress import map_ordered
from rms.records import CorpusImage, CorpusReject, CorpusSample, Label
from rms.seeds import content_id

MAX_TEXT = 100_000
"""Characters. No prompt or response of a known dataset has a tenth of it; a judge would read none to its end."""

Seen = dict[Place | Cell, str | Refusal]
"""The id of the picture in each place, or why there is none."""


class Draft(NamedTuple):
    """A row whose fields are what they should be; its pictures are still to be looked at."""

    entry: Entry
    places: tuple[Place | Cell, ...]
    image_fields: tuple[Field, ...]
    text_field: Field
    text: str
    response: str
    label: Label
    category: str


def read(adapter: Adapter, folder: Path, split: str) -> Iterator[CorpusImage | CorpusSample | CorpusReject]:
    """Yield the pictures of a corpus, each once, then its samples and rejects in the order of its rows.

    Only annotations are held in memory. Raises RmsError for an unknown split, an unreadable annotation
    file, and when not one row could be read.
    """
    adapter.split(split)
    drafts = [_draft(row) for row in adapter.rows(folder, split)]
    looked_at: Seen = {}
    yield from _pictures(folder, drafts, looked_at)
    labels: dict[str, Label] = {}
    reasons: Counter[str] = Counter()
    example: Fault | None = None
    for draft in drafts:
        outcome = draft if isinstance(draft, Fault) else _sample(adapter, split, draft, looked_at, labels)
        if isinstance(outcome, Fault):
            reasons[outcome.reason] += 1
            example = example or outcome
            yield CorpusReject(corpus=adapter.name, **outcome._asdict())
        else:
            yield outcome
    if not labels:
        raise RmsError(_nothing_read(adapter, folder, split, reasons, example))


def _pictures(folder: Path, drafts: Iterable[Draft | Fault], looked_at: Seen) -> Iterator[CorpusImage]:
    """Yield each distinct picture once, and note in `looked_at` the id or the refusal of every place."""
    places = list(dict.fromkeys(place for draft in drafts if isinstance(draft, Draft) for place in draft.places))
    loading = partial(load, folder.resolve())
    workers = os.cpu_count() or 1
    seen: set[str] = set()
    loaded = map_ordered(loading, _sources(folder, places), f"{folder.name} images", workers=workers, total=len(places))
    for place, picture in zip(places, loaded, strict=True):
        if isinstance(picture, Refusal):
            looked_at[place] = picture
            continue
        looked_at[place] = picture.image_id
        if picture.image_id not in seen:
            seen.add(picture.image_id)
            yield picture


def _sources(folder: Path, places: Iterable[Place | Cell]) -> Iterator[Place | Content]:
    """`places`, what is in cells of tables read when its turn comes."""
    for in_table, run in groupby(places, key=lambda place: isinstance(place, Cell)):
        if in_table:
            yield from pictures(folder, (place for place in run if isinstance(place, Cell)))
        else:
            yield from (place for place in run if isinstance(place, Place))


def _draft(row: Row | Fault) -> Draft | Fault:
    if isinstance(row, Fault):
        return row
    try:
        present = [field for field in row.categories if field.value is not MISSING]
        return Draft(
            entry=row.entry._replace(values={}),  # only where it stands is needed from here on
            places=tuple(_place(row, field) for field in row.images),
            image_fields=row.images,
            text_field=row.text,
            text=_string(row.entry, row.text, "empty_text"),
            response="" if row.response is None else _string(row.entry, row.response, "empty_text"),
            label=row.label,
            category="/".join(_string(row.entry, field, "empty_category") for field in present),
        )
    except EntryError as stop:
        return stop.fault


def _place(row: Row, field: Field) -> Place | Cell:
    if isinstance(field.value, Cell):
        return field.value
    return Place(_string(row.entry, field, "empty_path"), row.roots, row.suffixes)


def _string(entry: Entry, field: Field, if_blank: str) -> str:
    """The value of a field that must be a string with something in it, as it stands."""
    if field.value is MISSING:
        raise EntryError(entry.fault(field, "missing_field"))
    if not isinstance(field.value, str):
        raise EntryError(entry.fault(field, "wrong_type", f"{type(field.value).__name__}, not a string"))
    if not field.value.strip():
        raise EntryError(entry.fault(field, if_blank))
    if len(field.value) > MAX_TEXT:
        raise EntryError(entry.fault(field, "too_long", f"{len(field.value)} characters, at most {MAX_TEXT} allowed"))
    try:
        field.value.encode()
    except UnicodeEncodeError:
        raise EntryError(entry.fault(field, "bad_text", "holds half a character (a lone surrogate)")) from None
    return field.value


def _sample(
    adapter: Adapter,
    split: str,
    draft: Draft,
    looked_at: Seen,
    labels: dict[str, Label],
) -> CorpusSample | Fault:
    """The finished sample, noted in `labels`; the first of equal rows is kept."""
    image_ids = []
    for place, field in zip(draft.places, draft.image_fields, strict=True):
        found = looked_at[place]
        if isinstance(found, Refusal):
            named = "" if isinstance(place, Cell) else f"{place.path!a:.120} "
            return draft.entry.fault(field, found.reason, f"{named}{found.detail}".strip())
        image_ids.append(found)
    sample_id = content_id(adapter.name, split, " ".join(image_ids), draft.text, draft.response, adapter.label_of)
    if sample_id in labels:
        same = labels[sample_id] == draft.label
        return draft.entry.fault(draft.text_field, "duplicate" if same else "conflicting_label", f"of {sample_id}")
    labels[sample_id] = draft.label
    return CorpusSample(
        sample_id=sample_id,
        corpus=adapter.name,
        split=split,
        image_ids=image_ids,
        text=draft.text,
        response=draft.response,
        label=draft.label,
        label_of=adapter.label_of,
        category=draft.category,
    )


def _nothing_read(adapter: Adapter, folder: Path, split: str, reasons: Counter[str], example: Fault | None) -> str:
    if example is None:
        return f"{folder}: {adapter.name} has no rows for split {split!r}; it should hold {adapter.layout}"
    reason, count = reasons.most_common(1)[0]
    where = f"{example.file} row {example.row}, field {example.field or '-'}: {example.reason} {example.detail}".strip()
    return (
        f"{folder}: not one of {reasons.total()} {adapter.name} rows could be read, {count} of them for {reason} "
        f"(first: {where}); it should hold {adapter.layout}"
    )
