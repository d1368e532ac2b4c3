"""Photographs of a source to a table of images: examine each, then compare them all.

Two passes keep memory flat. The first decodes, screens and fingerprints one file at a time and spills what
is good to disk; only the records without their pixels stay in memory. Look-alikes, clusters and splits are
then decided on those, and the second pass copies what is left.
"""

import shutil
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image as PillowImage

from rms.errors import RmsError
from rms.images.decode import Limits, decode, encode, shrink
from rms.images.faults import ImageFault
from rms.images.fingerprints import first_alike, look_alikes, phash, sha256, words
from rms.images.screening import load_screen
from rms.images.sources import Photographs, RawImage, open_source
from rms.images.splits import assign_splits, per_split, strictest
from rms.params import Images
from rms.progress import map_ordered
from rms.records import Image, ImageInfo, ImageReject, Split
from rms.seeds import content_id
from rms.store import read_table, write_json, write_jsonl, write_table

_UNDECIDED: Split = "train"  # of a spilled image, until all are known
_SPILL = "spill"


class Examined(NamedTuple):
    """A photograph that is good by itself, and the split its source insists on."""

    image: Image
    pin: Split | None


class Ledger:
    """What is remembered of the first pass: everything but pixels."""

    def __init__(self) -> None:
        self.kept: list[ImageInfo] = []
        self.at: list[int] = []
        """Position of each kept image in the source."""
        self.pins: dict[str, Split | None] = {}
        """Pinned split by image_id; a dropped copy leaves its pin to the image that stands for it."""
        self.rejects: dict[int, ImageReject] = {}
        """By position in the source."""
        self.read = 0

    def pin(self, image_id: str, split: Split | None) -> None:
        self.pins[image_id] = strictest([self.pins.get(image_id), split])

    def reject(self, position: int, name: str, reason: str, detail: str) -> None:
        self.rejects[position] = ImageReject(name=name, reason=reason, detail=detail)


def collect(params: Images, seed: int, folder: Path) -> dict[str, Any]:
    """Collect into the existing `folder`: `images/` (Image), `rejects.jsonl` (ImageReject), `summary.json`.

    Both tables are in the order of the source. Returns the summary. Exact copies are always dropped, since an
    image's id is that of its file's bytes; near duplicates only when `drop_near_duplicates` says so.
    Raises RmsError when nothing is kept.
    """
    source = open_source(params.source, params.max_bytes)
    ledger = Ledger()
    spill = folder / _SPILL
    with warnings.catch_warnings():
        # Pillow warns of bombs and odd metadata: rows of the rejects, or of no account.
        warnings.filterwarnings("ignore", module="PIL")
        write_table(spill, Image, _first_pass(params, source, ledger))
    if params.drop_near_duplicates and params.near_duplicate_bits > 0:
        _drop_near_duplicates(ledger, params.near_duplicate_bits)
    _require_some(ledger)
    places = _places(ledger, params, seed)
    write_table(folder / "images", Image, _second_pass(spill, places))
    shutil.rmtree(spill)
    write_jsonl(folder / "rejects.jsonl", (reject for _, reject in sorted(ledger.rejects.items())))
    summary = _summary(ledger, places, params.source.kind, source.ignored)
    write_json(folder / "summary.json", summary)
    return summary


def examine(
    raw: RawImage, limits: Limits, nsfw_threshold: float, screen: Callable[[PillowImage.Image], float]
) -> Image:
    """Decode, normalise, fingerprint and screen one photograph; its cluster and split are still open.

    Its id is that of the original file's bytes, not of the stored JPEG, whose bytes depend on the encoder's
    version: so it is the same on any machine. Raises ImageFault.
    """
    if isinstance(raw.data, ImageFault):
        raise raw.data
    picture = shrink(decode(raw.data, limits, raw.extension), limits.max_side)
    nsfw = screen(picture)
    if nsfw >= nsfw_threshold:
        raise ImageFault("unsafe_alone", f"NSFW score {nsfw:.4f}, below {nsfw_threshold:g} needed")
    image_id = content_id(raw.data)
    return Image(
        image_id=image_id,
        name=raw.name,
        width=picture.width,
        height=picture.height,
        sha256=sha256(raw.data),
        phash=phash(picture),
        cluster_id=image_id,
        split=_UNDECIDED,
        source=raw.source,
        licence=raw.licence,
        attribution=raw.attribution,
        url=raw.url,
        nsfw=nsfw,
        image=encode(picture),
    )


def _first_pass(params: Images, source: Photographs, ledger: Ledger) -> Iterator[Image]:
    limits = Limits(params.max_bytes, params.max_pixels, params.min_side, params.max_side)
    screen = load_screen()

    def outcome(raw: RawImage) -> tuple[str, Examined | ImageFault]:
        try:
            return raw.name, Examined(examine(raw, limits, params.nsfw_threshold, screen), raw.split)
        except ImageFault as fault:
            return raw.name, fault

    total = source.total if params.limit is None else min(source.total or params.limit, params.limit)
    outcomes = map_ordered(outcome, islice(source.images, params.limit), "collect", workers=params.workers, total=total)
    names: dict[str, str] = {}
    for position, (name, result) in enumerate(outcomes):
        ledger.read += 1
        if isinstance(result, ImageFault):
            ledger.reject(position, name, result.reason, result.detail)
            continue
        image = result.image
        ledger.pin(image.image_id, result.pin)
        if image.image_id in names:
            ledger.reject(position, name, "duplicate", f"same bytes as {names[image.image_id]}")
            continue
        names[image.image_id] = name
        ledger.kept.append(ImageInfo(**{field: getattr(image, field) for field in ImageInfo.model_fields}))
        ledger.at.append(position)
        yield image


def _drop_near_duplicates(ledger: Ledger, bits: int) -> None:
    hashes = words([info.phash for info in ledger.kept])
    stand_ins = first_alike(hashes, bits).tolist()
    for index, stand_in in enumerate(stand_ins):
        if stand_in != index:
            dropped, kept = ledger.kept[index], ledger.kept[stand_in]
            apart = (int(dropped.phash, 16) ^ int(kept.phash, 16)).bit_count()
            ledger.reject(ledger.at[index], dropped.name, "near_duplicate", f"{apart} bits from {kept.name}")
            ledger.pin(kept.image_id, ledger.pins[dropped.image_id])
    keep = [index for index, stand_in in enumerate(stand_ins) if stand_in == index]
    ledger.kept = [ledger.kept[index] for index in keep]
    ledger.at = [ledger.at[index] for index in keep]


def _places(ledger: Ledger, params: Images, seed: int) -> dict[str, dict[str, Any]]:
    """By image_id, in order: the cluster and the split. A cluster has the least id of its images."""
    infos = ledger.kept
    labels = look_alikes(words([info.phash for info in infos]), params.cluster_bits).tolist()
    least: dict[int, str] = {}
    for label, info in zip(labels, infos, strict=True):
        least[label] = min(least.get(label, info.image_id), info.image_id)
    cluster_ids = [least[label] for label in labels]
    pinned: dict[str, Split] = {}
    for cluster, info in zip(cluster_ids, infos, strict=True):
        pin = strictest([pinned.get(cluster), ledger.pins[info.image_id]])
        if pin:
            pinned[cluster] = pin
    splits = assign_splits(cluster_ids, pinned, params.validation_share, params.test_share, seed)
    return {
        info.image_id: {"cluster_id": cluster, "split": splits[cluster]}
        for info, cluster in zip(infos, cluster_ids, strict=True)
    }


def _second_pass(spill: Path, places: dict[str, dict[str, Any]]) -> Iterator[Image]:
    for image in read_table(spill, Image):
        if image.image_id in places:
            yield image.model_copy(update=places[image.image_id])


def _require_some(ledger: Ledger) -> None:
    if ledger.kept:
        return
    if not ledger.rejects:
        raise RmsError("images.source: it yields no photographs at all; point it to one that holds some")
    reason, count = Counter(reject.reason for reject in ledger.rejects.values()).most_common(1)[0]
    example = next(reject for reject in ledger.rejects.values() if reject.reason == reason)
    raise RmsError(
        f"images.source: none of {ledger.read} photographs was kept; most often {reason} ({count}), "
        f"for example {example.name}: {example.detail}; change the source or the limits in `images`"
    )


def _summary(ledger: Ledger, places: dict[str, dict[str, Any]], kind: str, ignored: int) -> dict[str, Any]:
    reasons = Counter(reject.reason for reject in ledger.rejects.values())
    licences = Counter(info.licence for info in ledger.kept)
    return {
        "source": kind,
        "ignored": ignored,
        "read": ledger.read,
        "kept": len(ledger.kept),
        "clusters": len({place["cluster_id"] for place in places.values()}),
        "splits": per_split(place["split"] for place in places.values()),
        "rejects": dict(sorted(reasons.items())),
        "licences": dict(sorted(licences.items())),
    }
