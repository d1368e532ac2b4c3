"""Rows whose picture or text a test set holds: one search for every training set."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from rms.contamination.held import Held
from rms.contamination.texts import alike, normalised
from rms.images.fingerprints import nearest, words
from rms.progress import track
from rms.records import Contaminated, CorpusFingerprint


class Row(NamedTuple):
    """What is compared of one row to learn from."""

    sample_id: str
    image_ids: Sequence[str]
    text: str
    own_text: bool = True
    """False where all rows have one text, which says nothing of which row it is."""


class _Match(NamedTuple):
    """Why something is held by a test set, and by what of it."""

    reason: Literal["same_image", "similar_image", "same_text", "similar_text"]
    found: str


def find(
    rows: Sequence[Row], prints: Mapping[str, CorpusFingerprint], tests: Sequence[Held], bits: int
) -> list[Contaminated]:
    """Every row that a test set holds, once for each such test set, in the order of the rows.

    `prints` has the fingerprint of every image of `rows`; up to `bits` apart in the perceptual hash it is the same one.
    """
    used = {image_id: prints[image_id] for row in rows for image_id in row.image_ids}
    texts = [normalised(row.text) if row.own_text else None for row in rows]
    distinct = list(dict.fromkeys(text for text in texts if text is not None))
    found = []
    for held in track(tests, "contamination"):
        images, copies = _held_images(list(used.values()), held, bits), _held_texts(distinct, held)
        for number, (row, text) in enumerate(zip(rows, texts, strict=True)):
            matches = [images[image_id] for image_id in row.image_ids if image_id in images]
            # "same" sorts before "similar": of several pictures the one that is certain is named.
            match = min(matches, default=None) or (None if text is None else copies.get(text))
            if match:
                found.append((number, held.name, match))
    return [
        Contaminated(sample_id=rows[number].sample_id, text=rows[number].text, corpus=name, **match._asdict())
        for number, name, match in sorted(found, key=lambda item: item[0])
    ]


def _held_images(images: Sequence[CorpusFingerprint], held: Held, bits: int) -> dict[str, _Match]:
    """By image id; the same bytes come before a likeness."""
    if not images or not held.images:
        return {}
    index, apart = nearest(words([image.phash for image in images]), words([image.phash for image in held.images]))
    similar = {
        image.image_id: _Match("similar_image", held.images[place].image_id)
        for image, place, distance in zip(images, index.tolist(), apart.tolist(), strict=True)
        if distance <= bits
    }
    ids = {image.sha256: image.image_id for image in held.images}
    same = {image.image_id: _Match("same_image", ids[image.sha256]) for image in images if image.sha256 in ids}
    return similar | same


def _held_texts(texts: Sequence[str], held: Held) -> dict[str, _Match]:
    """By normalised text; equal words come before a likeness."""
    theirs = list(held.texts)
    others = [text for text in texts if text not in held.texts]
    pairs = alike(others, theirs)
    similar: dict[str, _Match] = {}
    for ours, place in zip(pairs.ours.tolist(), pairs.theirs.tolist(), strict=True):
        similar.setdefault(others[ours], _Match("similar_text", held.texts[theirs[place]]))
    return similar | {text: _Match("same_text", held.texts[text]) for text in texts if text in held.texts}
