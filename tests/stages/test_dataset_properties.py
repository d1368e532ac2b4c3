"""What must hold of the data that the stages produce, checked on a run over real photographs."""

import contextlib
import io
import json
import shutil
from collections import Counter, defaultdict
from pathlib import Path
from typing import get_args

import pytest
from PIL import Image as Pillow

from rms.errors import RmsError
from rms.records import (
    Candidate,
    Contaminated,
    CorpusImage,
    CorpusSample,
    Description,
    Image,
    ImageInfo,
    Pattern,
    PatternFound,
    SampleInfo,
    Split,
    TextReject,
    Triplet,
)
from rms.stages import augment, build, patterns
from rms.store import read_json, read_jsonl, read_table, write_table

SPLITS = get_args(Split)


@pytest.fixture(scope="session")
def samples(small_run) -> list[SampleInfo]:
    return [s for split in SPLITS for s in read_table(small_run / "data/dataset" / split, SampleInfo)]


@pytest.fixture(scope="session")
def images(small_run) -> dict[str, ImageInfo]:
    return {image.image_id: image for image in read_table(small_run / "data/images/images", ImageInfo)}


@pytest.fixture(scope="session")
def unsafe(small_run) -> list[Candidate]:
    return list(read_table(small_run / "data/augmented/unsafe", Candidate))


@pytest.fixture(scope="session")
def twins(small_run) -> list[Candidate]:
    return list(read_table(small_run / "data/augmented/twins", Candidate))


def test_every_split_has_both_labels(samples):
    counts = Counter((sample.split, sample.label) for sample in samples)
    assert all(counts[split, label] >= 5 for split in SPLITS for label in ("safe", "unsafe")), counts


def test_labels_are_balanced_as_configured(samples, small_params):
    share = sum(sample.label == "unsafe" for sample in samples) / len(samples)
    assert share == pytest.approx(small_params.build.unsafe_share, abs=0.01)


def test_the_same_text_is_safe_beside_one_image_and_unsafe_beside_another(samples):
    labels = defaultdict(dict)
    for sample in samples:
        labels[sample.text][sample.image_id] = sample.label
    both = [text for text, by_image in labels.items() if set(by_image.values()) == {"safe", "unsafe"}]
    assert len(both) >= 10


def test_the_same_image_is_safe_beside_one_text_and_unsafe_beside_another(samples):
    labels = defaultdict(set)
    for sample in samples:
        labels[sample.image_id].add(sample.label)
    both = sum(found == {"safe", "unsafe"} for found in labels.values())
    assert both >= 0.7 * len(labels)


def test_no_pair_has_two_labels_or_two_rows(samples, unsafe, twins):
    pairs = Counter((sample.image_id, sample.text) for sample in samples)
    assert max(pairs.values()) == 1
    assert not {(c.image_id, c.text) for c in unsafe} & {(c.image_id, c.text) for c in twins}


def test_no_cluster_family_or_text_is_on_two_sides_of_a_split(samples, images):
    for what in (lambda s: images[s.image_id].cluster_id, lambda s: s.family, lambda s: s.text):
        sides = defaultdict(set)
        for sample in samples:
            sides[what(sample)].add(sample.split)
        assert all(len(found) == 1 for found in sides.values())
    assert all(sample.family for sample in samples)


def test_a_sample_has_the_split_of_its_image(samples, images):
    assert all(sample.split == images[sample.image_id].split for sample in samples)


def test_no_image_takes_more_rows_than_allowed(samples, small_params):
    assert max(Counter(sample.image_id for sample in samples).values()) <= small_params.build.max_per_image


def test_an_unsafe_row_names_its_risk_and_a_safe_one_has_none(samples):
    assert all(bool(sample.risk) == (sample.label == "unsafe") for sample in samples)
    assert all(sample.guidance and "{" not in sample.guidance + sample.risk for sample in samples)


def test_every_unsafe_candidate_was_checked_alone_and_together(unsafe):
    for candidate in unsafe:
        verdicts = {check.modality: check.verdict for check in candidate.checks}
        assert verdicts == {"image": "safe", "text": "safe", "together": "unsafe"}


def test_every_twin_was_checked_harmless_and_mirrors_one_unsafe_candidate(unsafe, twins, images):
    by_id = {candidate.candidate_id: candidate for candidate in unsafe}
    assert len({twin.parent_id for twin in twins}) == len(twins)
    for twin in twins:
        parent = by_id[twin.parent_id]
        assert {check.modality: check.verdict for check in twin.checks} == {"text": "safe", "together": "safe"}
        assert (twin.text == parent.text) == (twin.kind == "twin_image")
        assert (twin.image_id == parent.image_id) == (twin.kind == "twin_text")
        assert images[twin.image_id].split == images[parent.image_id].split


def test_each_unsafe_candidate_has_a_twin_or_a_reject(small_run, unsafe, twins):
    rejects = read_jsonl(small_run / "data/augmented/rejects.jsonl", TextReject)
    without = [(r.image_id, r.text) for r in rejects if r.failed == "no_harmless_twin"]
    assert len(without) + len(twins) == len(unsafe)
    assert read_json(small_run / "data/augmented/summary.json")["rejects"]["no_harmless_twin"] == len(without)
    assert len(twins) >= 0.6 * len(unsafe)


def test_twins_balance_the_labels_of_an_image(unsafe, twins):
    """Without the books that TwinMaker keeps, images that welcome many wishes would be mostly safe."""
    owed = Counter(candidate.image_id for candidate in unsafe)
    owed.subtract(twin.image_id for twin in twins)
    assert sum(abs(value) for value in owed.values()) <= 0.5 * len(unsafe)


def test_triplets_point_to_known_images_and_patterns(small_run, images):
    known = {pattern.pattern_id: pattern for pattern in read_table(small_run / "data/patterns/patterns", Pattern)}
    triplets = list(read_table(small_run / "data/triplets/triplets", Triplet))
    assert {triplet.image_id for triplet in triplets} <= set(images)
    assert all(known[triplet.pattern_id].category == triplet.category for triplet in triplets)
    assert len({triplet.triplet_id for triplet in triplets}) == len(triplets) >= 40
    assert max(Counter(triplet.image_id for triplet in triplets).values()) <= 2 + 1


def test_pattern_support_counts_the_images_that_showed_it(small_run):
    counts = Counter(row.pattern_id for row in read_table(small_run / "data/patterns/found", PatternFound))
    for pattern in read_table(small_run / "data/patterns/patterns", Pattern):
        assert counts[pattern.pattern_id] == pattern.support >= len(pattern.example_image_ids) >= 1


def test_every_image_is_described_once(small_run, images):
    described = [d.image_id for d in read_table(small_run / "data/triplets/descriptions", Description)]
    assert described == list(images)


def test_the_photographs_are_seen_as_what_they_show(small_run, images):
    top = {
        images[d.image_id].name.rpartition("/")[2]: d.elements[0].name
        for d in read_table(small_run / "data/triplets/descriptions", Description)
    }
    assert top["chelsea.png"] == "domestic cat"
    assert top["coffee.png"] == "espresso"
    assert top["imagenet_04_949.jpg"] == "strawberry"
    assert top["imagenet_13_471.jpg"] == "cannon"


def test_the_dataset_opens_in_datasets_with_decoded_pictures(small_run, samples, tmp_path):
    import datasets  # noqa: PLC0415 - heavy

    files = {split: str(small_run / "data/dataset" / split / "*.parquet") for split in SPLITS}
    opened = datasets.load_dataset("parquet", data_files=files, cache_dir=str(tmp_path))
    assert {split: opened[split].num_rows for split in SPLITS} == dict(Counter(s.split for s in samples))
    row = opened["test"][0]
    assert isinstance(row["image"], Pillow.Image)
    assert min(row["image"].size) > 64
    assert (row["label"], row["split"]) in {("safe", "test"), ("unsafe", "test")}


def test_the_jsonl_mirrors_the_parquet_in_the_shape_of_rms2(small_run, samples):
    folder = small_run / "data/dataset/rms2"
    rows = {
        row["id"]: row
        for split in SPLITS
        for row in map(json.loads, (folder / f"{split}.jsonl").read_text("utf-8").splitlines())
    }
    assert set(rows) == {sample.sample_id for sample in samples}
    for sample in samples:
        row = rows[sample.sample_id]
        assert list(row) == ["id", "image", "text", "risk", "category", "guidance", "label"]
        assert (row["text"], row["label"], row["risk"]) == (sample.text, sample.label, sample.risk)
        assert (folder / row["image"]).resolve().is_relative_to(folder.resolve())
    with Pillow.open(folder / next(iter(rows.values()))["image"]) as picture:
        picture.load()


def test_statistics_and_card_tell_what_is_there(small_run, samples, images):
    numbers = read_json(small_run / "data/dataset/statistics.json")
    assert numbers["samples"] == len(samples)
    assert numbers["unsafe"] == sum(sample.label == "unsafe" for sample in samples)
    assert sum(numbers["kinds"].values()) == len(samples)
    text = (small_run / "data/dataset/README.md").read_text("utf-8")
    for licence in {images[sample.image_id].licence for sample in samples}:
        assert licence in text
    assert not {"{{", "{%"} & set(text.split())


def test_no_text_of_the_risk_oriented_set_is_in_two_splits(small_run):
    sides = defaultdict(set)
    rows = [s for split in SPLITS for s in read_table(small_run / "data/risk_oriented" / split, SampleInfo)]
    for row in rows:
        sides[row.text].add(row.split)
    assert rows
    assert all(len(found) == 1 for found in sides.values())


@pytest.fixture
def project(small_run, tmp_path, monkeypatch) -> Path:
    """A copy of the run to change, as the current folder."""
    shutil.copytree(small_run / "data", tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _digest(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.usefixtures("project")
def test_building_again_gives_the_same_bytes(small_params):
    before = _digest(Path("data/dataset"))
    build.run(small_params)
    assert _digest(Path("data/dataset")) == before


@pytest.mark.usefixtures("project")
def test_training_rows_of_a_picture_in_a_test_set_are_removed_and_test_rows_stay(small_params, samples):
    """One picture as an exact copy, one as a smaller and recompressed copy, one of our own test split."""
    table = {image.image_id: image for image in read_table(Path("data/images/images"), Image)}
    used = {split: sorted({s.image_id for s in samples if s.split == split}) for split in SPLITS}
    exact, resized, test = used["train"][0], used["train"][1], used["test"][0]
    pictures = []
    for image_id in (exact, resized, test):
        image = table[image_id]
        if image_id == resized:
            with Pillow.open(io.BytesIO(image.image)) as opened:
                small = opened.resize((opened.width * 2 // 3, opened.height * 2 // 3))
            out = io.BytesIO()
            small.save(out, format="JPEG", quality=70)
            from rms.images.fingerprints import phash, sha256  # noqa: PLC0415

            fingerprints = {"sha256": sha256(out.getvalue()), "phash": phash(small)}
            data = out.getvalue()
            assert fingerprints["sha256"] != image.sha256
        else:
            fingerprints, data = {"sha256": image.sha256, "phash": image.phash}, image.image
        pictures.append(CorpusImage(image_id=image_id, image=data, **fingerprints))
    shutil.rmtree("data/corpora/elsewhere")
    write_table(Path("data/corpora/elsewhere/images"), CorpusImage, pictures)
    write_table(Path("data/corpora/elsewhere/samples"), CorpusSample, [])
    build.run(small_params)
    left = {s.image_id for split in SPLITS for s in read_table(Path("data/dataset") / split, SampleInfo)}
    assert exact not in left
    assert resized not in left
    assert test in left
    assert set(used["train"][2:5]) & left
    numbers = read_json(Path("data/dataset/statistics.json"))
    assert numbers["decontaminated"]["same_image"] > 0
    assert numbers["decontaminated"]["similar_image"] > 0
    listed = read_jsonl(Path("data/dataset/contamination.jsonl"), Contaminated)
    assert {item.found for item in listed} >= {exact, resized}
    assert test not in {item.found for item in listed}
    assert numbers["splits"]["train"]["images"] == len(used["train"]) - 2


@pytest.mark.usefixtures("project")
def test_training_rows_with_a_text_of_a_test_set_are_removed_whatever_its_case(small_params, samples):
    text = next(s.text for s in samples if s.split == "train")
    shutil.rmtree("data/corpora/elsewhere/samples")
    row = CorpusSample(
        sample_id="1", corpus="elsewhere", split="test", image_ids=["x"], text=f"  {text.upper()} !!", response="",
        label="unsafe", label_of="query", category="",
    )  # fmt: skip
    write_table(Path("data/corpora/elsewhere/samples"), CorpusSample, [row])
    build.run(small_params)
    assert text not in {s.text for s in read_table(Path("data/dataset/train"), SampleInfo)}
    assert read_json(Path("data/dataset/statistics.json"))["decontaminated"]["same_text"] > 0


@pytest.mark.usefixtures("project")
def test_a_dataset_without_a_split_is_refused_and_the_old_one_stays(small_params):
    before = _digest(Path("data/dataset"))
    rows = list(read_table(Path("data/images/images"), Image))
    shutil.rmtree("data/images/images")
    write_table(Path("data/images/images"), Image, [row.model_copy(update={"split": "train"}) for row in rows])
    with pytest.raises(RmsError, match="no rows for the validation split"):
        build.run(small_params)
    assert _digest(Path("data/dataset")) == before
    assert not list(Path("data").glob(".*partial"))


def test_an_unknown_criterion_is_named_with_those_the_assistant_knows(small_run, small_params):
    changed = small_params.model_copy(
        update={"augment": small_params.augment.model_copy(update={"criteria": ["paraphrase", "sonnet"]})}
    )
    with contextlib.chdir(small_run), pytest.raises(RmsError, match=r"augment\.criteria: 'sonnet'.*paraphrase"):
        augment.run(changed)


@pytest.mark.usefixtures("project")
def test_no_pattern_at_all_is_an_error_that_says_what_to_do(small_params):
    before = _digest(Path("data/patterns"))
    changed = small_params.model_copy(
        update={"patterns": small_params.patterns.model_copy(update={"min_support": 1000})}
    )
    with pytest.raises(RmsError, match=r"patterns\.min_support"):
        patterns.run(changed)
    assert _digest(Path("data/patterns")) == before
