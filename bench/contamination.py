"""Time, memory and quality of the search for contaminated rows: 35,000 rows to learn from against a test set of 20,000.

RMS_TEST_PHOTOS=/data/photos RMS_TEST_PUBLIC=/data/public python bench/contamination.py

Half of the photographs are in the test set, and copies of them in the training set: the file as it is, scaled,
recompressed, or both. Of the other half, some are in either; the rest of the pictures are random hashes. Texts are
made of halves of real ones, so that many are somewhat alike; a part of the test set's is planted among the rows with
other case and punctuation, or a word or two added. Hashes of pictures are made when they are read, not in the search.
"""

import argparse
import io
import os
import random
import re
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from rms.contamination import Held, Row, find, normalised
from rms.images.fingerprints import phash, sha256
from rms.records import CorpusFingerprint

BITS = 4
"""As images.near_duplicate_bits has it."""
PLANTED = 3000
"""Copied texts."""
EDITS = ("case and punctuation", "one word added", "two words added", "all of it")


def main() -> None:
    """Plant, search and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=35_000)
    parser.add_argument("--tests", type=int, default=20_000)
    parser.add_argument("--photos", default=os.environ.get("RMS_TEST_PHOTOS"), help="folder of photographs")
    parser.add_argument("--public", default=os.environ.get("RMS_TEST_PUBLIC"), help="folder of annotation files")
    options = parser.parse_args()
    draw = random.Random(0)
    texts = list(
        _texts(Path(options.public or Path(__file__).parents[1] / "src/rms"), draw, options.rows + options.tests)
    )
    theirs, fresh = texts[: options.tests], texts[options.tests :]
    ours = [(_edited(draw, theirs[n], EDITS[n % 4], texts), EDITS[n % 4]) for n in range(PLANTED)]
    ours += [(text, "") for text in fresh[: options.rows - PLANTED]]
    held, pictures = _pictures(sorted(Path(options.photos).iterdir()) if options.photos else [], draw)
    held += [_random(draw) for _ in range(options.tests - len(held))]
    pictures += [(_random(draw), "") for _ in range(options.rows - len(pictures))]
    draw.shuffle(ours)
    rows = [
        Row(str(n), [picture.image_id], text)
        for n, ((picture, _), (text, _)) in enumerate(zip(pictures, ours, strict=True))
    ]
    prints = {picture.image_id: picture for picture, _ in pictures}
    samples = {normalised(text): str(number) for number, text in enumerate(theirs)}

    start = time.perf_counter()
    by_image = find(rows, prints, [Held("test", held, {})], BITS)
    middle = time.perf_counter()
    by_text = find(rows, prints, [Held("test", [], samples)], BITS)
    end = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{len(rows):,} rows x {len(held):,} pictures: {middle - start:.1f} s; "
        f"x {len(samples):,} texts: {end - middle:.1f} s"
    )
    print(f"peak memory {peak:.0f} MiB, of all")
    _report("pictures", [kind for _, kind in pictures], {int(item.sample_id) for item in by_image}, len(held))
    _report("texts", [kind for _, kind in ours], {int(item.sample_id) for item in by_text}, len(samples))


def _report(what: str, kinds: list[str], found: set[int], tests: int) -> None:
    planted, hit = Counter(kinds), Counter(kinds[number] for number in found)
    for kind in sorted(kind for kind in planted if kind):
        print(f"{what}, {kind}: {hit[kind]} of {planted[kind]} found ({hit[kind] / planted[kind]:.1%})")
    print(f"{what}, not planted: {hit['']} of {planted['']:,} rows, {hit[''] / (planted[''] * tests):.1e} of the pairs")


def _pictures(
    photos: list[Path], draw: random.Random
) -> tuple[list[CorpusFingerprint], list[tuple[CorpusFingerprint, str]]]:
    """What the test set holds, and what is learned from with the way it was copied (empty: it was not)."""
    held, learned = [], []
    for number, path in enumerate(photos):
        data = path.read_bytes()
        if number % 4 == 3:  # in neither twice
            learned.append((_print(data, number), ""))
            continue
        held.append(_print(data, number))
        if number % 4 == 2:
            continue
        share, quality = draw.uniform(0.35, 0.9), draw.randrange(30, 80)
        learned.append((_print(data, number, "exact"), "exact"))
        for kind, side, level in (("scaled", share, 95), ("recompressed", 1, quality), ("both", share, quality)):
            learned.append((_print(_copy(data, side, level), number, kind), kind))
    return held, learned


def _copy(data: bytes, share: float, quality: int) -> bytes:
    out = io.BytesIO()
    with Image.open(io.BytesIO(data)) as picture:
        size = (max(16, round(picture.width * share)), max(16, round(picture.height * share)))
        picture.convert("RGB").resize(size, Image.Resampling.LANCZOS).save(out, "JPEG", quality=quality)
    return out.getvalue()


def _print(data: bytes, number: int, kind: str = "") -> CorpusFingerprint:
    with Image.open(io.BytesIO(data)) as picture:
        return CorpusFingerprint(image_id=f"{number}{kind}", sha256=sha256(data), phash=phash(picture.convert("RGB")))


def _random(draw: random.Random) -> CorpusFingerprint:
    number = draw.getrandbits(256)
    return CorpusFingerprint(image_id=f"{number:064x}", sha256=f"{number:064x}", phash=f"{draw.getrandbits(64):016x}")


def _texts(folder: Path, draw: random.Random, count: int) -> Iterator[str]:
    """Different texts of the beginning of one real sentence and the end of another."""
    found = {
        sentence
        for path in sorted(folder.rglob("*"))
        if path.suffix in (".json", ".yaml", ".csv")
        for sentence in re.findall(r"\b(?:[A-Z][a-z]+|I)(?: [\w,'-]+){4,}", path.read_text(encoding="utf-8"))
    }
    halves = [text.split() for text in sorted(found)]
    if len(halves) ** 2 < 4 * count:
        raise SystemExit(
            f"{folder}: only {len(halves)} sentences found; give a folder with --public or RMS_TEST_PUBLIC"
        )
    seen: set[str] = set()
    while len(seen) < count:
        head, tail = draw.choice(halves), draw.choice(halves)
        text = " ".join([*head[: (len(head) + 1) // 2], *tail[len(tail) // 2 :]])
        if normalised(text) not in seen:
            seen.add(normalised(text))
            yield text


def _edited(draw: random.Random, text: str, edit: str, others: list[str]) -> str:
    words = text.split()
    for _ in range({"one word added": 1, "two words added": 2, "all of it": 2}.get(edit, 0)):
        words.insert(draw.randint(0, len(words)), draw.choice(draw.choice(others).split()))
    text = " ".join(words)
    if edit in ("case and punctuation", "all of it"):
        text = "".join(draw.choice((letter.upper(), letter.lower())) for letter in text)
        text = f"«{text.rstrip('.?!')}»..."
    return text


if __name__ == "__main__":
    main()
