"""Rows for training that a test set already holds, by picture or by text."""

import re
from collections.abc import Iterable, Mapping, Set
from pathlib import Path

import numpy as np

from rms.images.fingerprints import words
from rms.params import Images
from rms.records import Candidate, CorpusFingerprint, CorpusText, ImageInfo, Split
from rms.store import read_table


class Contamination:
    """What the test sets hold of a dataset, and how much was removed for it."""

    def __init__(self, split_of: Mapping[str, Split], held_images: Set[str], held_texts: Set[str]) -> None:
        self._split_of = split_of
        self._held_images = held_images
        self._held_texts = held_texts
        self.removed = {"image_in_test_set": 0, "text_in_test_set": 0}

    def remove(self, rows: Iterable[Candidate]) -> list[Candidate]:
        """`rows` without those for training and validation whose image or text a test set holds; counts them.

        Our own test split may share them: nothing is learned from it.
        """
        kept = []
        for row in rows:
            learned = self._split_of[row.image_id] != "test"
            if learned and row.image_id in self._held_images:
                self.removed["image_in_test_set"] += 1
            elif learned and normalised(row.text) in self._held_texts:
                self.removed["text_in_test_set"] += 1
            else:
                kept.append(row)
        return kept


def find_contamination(images: Mapping[str, ImageInfo], corpora: Iterable[Path], settings: Images) -> Contamination:
    """Compare collected images with the pictures of the corpora by sha256 and pHash, and take in their texts."""
    sha256: set[str] = set()
    phashes: set[str] = set()
    texts: set[str] = set()
    for folder in corpora:
        for picture in read_table(folder / "images", CorpusFingerprint):
            sha256.add(picture.sha256)
            phashes.add(picture.phash)
        texts.update(normalised(sample.text) for sample in read_table(folder / "samples", CorpusText))
    theirs = words(sorted(phashes))
    held = {
        image.image_id
        for image in images.values()
        if image.sha256 in sha256
        or (np.bitwise_count(theirs ^ words([image.phash])) <= settings.near_duplicate_bits).any()
    }
    return Contamination({key: image.split for key, image in images.items()}, held, texts)


def normalised(text: str) -> str:
    """Lower-case words without punctuation, for comparing texts."""
    return " ".join(re.findall(r"\w+", text.lower()))
