"""What judges learn from: every training set through the stages that read, clean, complete and cut it."""

import io
import shutil
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image as Pillow
from train_layouts import LAYOUTS, pixels
from train_project import EVERY, hold, picture

from rms.contamination import Held, held_corpus
from rms.errors import RmsError
from rms.records import Contaminated, CorpusImage, CorpusSample, TrainSample
from rms.stages import train_corpora, train_sets
from rms.store import read_jsonl, read_table, write_table
from rms.train_sets import TrainSet, completed, corpus_source, decontaminated, read_facts

OUT = Path("data/train_sets")
pytestmark = pytest.mark.usefixtures("project")


def rows(name: str, split: str | None = None) -> list[TrainSample]:
    found = read_table(OUT / name / "samples", TrainSample)
    return [row for row in found if split in (None, row.split)]


@pytest.fixture(scope="module")
def everything(read_once, configure) -> Path:
    """All eight training sets, matched in size; `mis` is completed by `vlguard`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(read_once)
        train_sets.run(configure(train_sets=EVERY, benign_pool="vlguard"))
        shutil.copytree("data/train_sets", "everything")
    return read_once / "everything"


@pytest.fixture
def matched(everything, monkeypatch) -> None:
    monkeypatch.setattr("test_train_sets_stage.OUT", everything)


@pytest.mark.usefixtures("matched")
@pytest.mark.parametrize("name", EVERY)
def test_every_training_set_can_be_learned_from(name):
    stored = {item.image_id: item.image for item in read_table(OUT / name / "images", CorpusImage)}
    with TrainSet(OUT / name) as found:
        train, validation = found.examples("train"), found.examples("validation")
        assert {example.label for example in train} == {0, 1}
        assert len(validation) >= 2
        for example, row in zip((*train, *validation), (*rows(name, "train"), *rows(name, "validation")), strict=True):
            assert [bytes(image) for image in example.query.images] == [stored[image_id] for image_id in row.image_ids]
            assert len(example.query.images) == (2 if name == "mis" and example.label else 1)
            assert bool(example.query.response) == (name in ("spa_vl", "beavertails_v"))
            with Pillow.open(io.BytesIO(bytes(example.query.images[0]))) as opened:
                opened.load()
    assert any(example.rationale for example in train) == (name in ("rms", "risk_oriented"))


@pytest.mark.usefixtures("matched")
def test_all_have_as_many_rows_as_the_smallest():
    for split in ("train", "validation"):
        sizes = {name: len(rows(name, split)) for name in EVERY}
        there = {name: read_facts(OUT, name).splits[split].there for name in EVERY}
        assert set(sizes.values()) == {min(there.values())}
        assert len(set(there.values())) > 1
    used = {name: read_facts(OUT, name).splits["train"] for name in EVERY}
    assert {name: part.samples for name, part in used.items()} == {name: len(rows(name, "train")) for name in EVERY}


@pytest.mark.usefixtures("matched")
@pytest.mark.parametrize("name", EVERY)
def test_validation_shares_no_image_with_training_and_only_used_images_are_there(name):
    images = {
        split: {image for row in rows(name, split) for image in row.image_ids} for split in ("train", "validation")
    }
    assert not images["train"] & images["validation"]
    stored = [image.image_id for image in read_table(OUT / name / "images", CorpusImage)]
    assert sorted(stored) == sorted(images["train"] | images["validation"])


@pytest.mark.usefixtures("matched")
def test_the_share_of_unsafe_rows_is_that_of_all(read_once):
    everyone = list(read_table(read_once / "data/train_corpora/rms2/samples", CorpusSample))
    share = sum(row.label == "unsafe" for row in everyone) / len(everyone)
    train = rows("rms2", "train")
    assert abs(sum(row.label == "unsafe" for row in train) / len(train) - share) < 0.12
    counts = Counter(row.label for row in rows("rms", "train"))
    assert abs(counts["unsafe"] - counts["safe"]) <= 1


@pytest.mark.usefixtures("matched")
def test_pairs_of_ours_stay_whole():
    texts = {row.text for row in rows("rms", "train")}
    alone = [text for text in texts if text.replace("safely", "not") not in texts]
    assert len(texts) == len(rows("rms", "train"))
    assert len(alone) <= 1


@pytest.mark.usefixtures("matched")
def test_a_set_of_one_class_is_completed_from_the_named_pool_and_says_so():
    facts = read_facts(OUT, "mis")
    assert facts.benign_pool == "vlguard"
    train = rows("mis", "train")
    assert {(row.source, row.label) for row in train} == {("mis", "unsafe"), ("vlguard", "safe")}
    assert facts.splits["train"].of_pool == sum(row.source == "vlguard" for row in train) > 0
    assert read_facts(OUT, "vlguard").benign_pool == ""
    with TrainSet(OUT / "mis") as completed_set, TrainSet(OUT / "vlguard") as whole_set:
        assert (completed_set.benign_pool, whole_set.benign_pool) == ("vlguard", "")


@pytest.mark.usefixtures("matched")
def test_derived_labels_are_said_to_be():
    assert "preferred" in read_facts(OUT, "spa_vl").derivation
    assert read_facts(OUT, "vlguard").derivation == ""


def test_a_set_of_one_class_without_a_pool_is_an_error_that_names_the_setting(configure):
    with pytest.raises(RmsError, match=r"mis: has unsafe rows alone.*finetune\.benign_pool"):
        train_sets.run(configure(train_sets=["rms", "mis"]))


def test_a_pool_that_would_give_the_label_away_is_refused(configure):
    with pytest.raises(RmsError, match=r"benign_pool = 'spa_vl'.*responses"):
        train_sets.run(configure(train_sets=["mis"], benign_pool="spa_vl"))


def test_a_pool_without_safe_rows_is_refused():
    source, pool = (corpus_source(name, Path("data/train_corpora") / name, 0.25, 4, 0) for name in ("mis", "rms2"))
    unsafe = pool._replace(members=[member for member in pool.members if member.row.label == "unsafe"])
    with pytest.raises(RmsError, match=r"benign_pool = 'rms2': it has no safe rows"):
        completed(source, unsafe, 0)


def test_a_pool_that_asks_the_same_of_every_image_is_refused():
    source, pool = (corpus_source(name, Path("data/train_corpora") / name, 0.25, 4, 0) for name in ("mis", "vlguard"))
    with pytest.raises(RmsError, match=r"benign_pool = 'vlguard': all its rows have one text"):
        completed(source, pool._replace(own_texts=False), 0)


def test_rows_that_all_ask_the_same_about_their_image_are_no_copies_of_each_other(tmp_path):
    for part, seeds in (("train", range(4)), ("test", range(3, 6))):
        images = [picture(7000 + seed) for seed in seeds]
        samples = [
            CorpusSample(
                sample_id=f"{part}{number}", corpus="unsafebench", split=part, image_ids=[image.image_id],
                text="What does this image show?", response="", label="safe", label_of="image", category="",
            )
            for number, image in enumerate(images)
        ]  # fmt: skip
        write_table(tmp_path / part / "images", CorpusImage, images)
        write_table(tmp_path / part / "samples", CorpusSample, samples)
    asks = Held("siuo", [], {"what does this image show": "1"})
    source = corpus_source("unsafebench", tmp_path / "train", 0.25, 4, 0)
    clean = decontaminated(source, [held_corpus("unsafebench", tmp_path / "test"), asks], 4)
    assert [(item.sample_id, item.reason) for item in clean.removed] == [("train3", "same_image")]
    assert len(clean.members) == 3


def test_mossbench_may_not_be_trained_on(configure):
    with pytest.raises(RmsError, match=r"'mossbench' may not be trained on.*training prohibited"):
        configure(train_sets=["rms", "mossbench"])
    with pytest.raises(RmsError, match="may not be trained on"):
        train_corpora.run(configure(), "mossbench")


def test_a_training_set_nobody_reads_is_refused_beforehand(configure):
    with pytest.raises(RmsError, match=r"train_sets: 'hateful_memes' is not read; add it to train_corpora\.names"):
        configure(train_sets=["hateful_memes"])
    with pytest.raises(RmsError, match=r"train_sets: 'vlgard' is no training set; known are rms, risk_oriented"):
        configure(train_sets=["vlgard"])


def test_a_dataset_that_is_not_there_says_how_to_get_it(configure, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RmsError, match=r"public/vlguard: no training split.*rms corpora fetch vlguard --split train"):
        train_corpora.run(configure(), "vlguard")


@pytest.mark.parametrize(("size", "expected"), [(12, {12}), (None, {72, 24}), ("match", {24})])
def test_size_is_a_number_the_smallest_or_all(configure, size, expected):
    train_sets.run(configure(train_sets=["rms", "risk_oriented"], size=size))
    assert {len(rows(name, "train")) for name in ("rms", "risk_oriented")} == expected


def test_a_size_that_one_cannot_have_is_an_error(configure):
    with pytest.raises(RmsError, match=r"finetune\.size = 50: risk_oriented has 24 rows"):
        train_sets.run(configure(train_sets=["rms", "risk_oriented"], size=50))


def test_another_size_draws_the_same_rows_first(configure):
    drawn = []
    for size in (10, 11, 30, None):
        train_sets.run(configure(train_sets=["rms"], size=size))
        drawn.append({row.sample_id for row in rows("rms", "train")})
    assert [len(ids) for ids in drawn] == [10, 11, 30, 72]
    assert drawn[0] < drawn[1] < drawn[2] < drawn[3]


def test_fractions_lie_within_each_other_with_both_classes(configure):
    train_sets.run(configure(train_sets=["rms"], size=None))
    with TrainSet(OUT / "rms") as found:
        parts = [found.examples("train", fraction) for fraction in (0.01, 0.1, 0.25, 0.5, 1.0)]
    assert [len(part) for part in parts] == [2, 7, 18, 36, 72]
    texts = [{example.query.text for example in part} for part in parts]
    assert all(small < large for small, large in pairwise(texts))
    assert all({example.label for example in part} == {0, 1} for part in parts)


def test_the_same_run_gives_the_same_bytes_and_another_seed_another_draw(configure):
    def files() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in sorted(OUT.rglob("*")) if path.is_file()}

    train_sets.run(configure(train_sets=["rms", "local"]))
    first = files()
    train_sets.run(configure(train_sets=["rms", "local"]))
    assert files() == first
    train_sets.run(configure(train_sets=["rms", "local"]).model_copy(update={"seed": 1}))
    assert files() != first


def test_the_rows_of_one_set_do_not_depend_on_another_as_long_as_the_size_is_the_same(configure):
    def folder(name: str) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in sorted((OUT / name / "samples").iterdir())}

    train_sets.run(configure(train_sets=["rms", "local"], size=10))
    alone = folder("local")
    train_sets.run(configure(train_sets=["risk_oriented", "local", "vlguard"], size=10))
    assert folder("local") == alone


@pytest.fixture
def siuo_holds(read_once):
    """Write pictures and texts to the test set, and take them back afterwards."""
    kept = read_once / "data/corpora/siuo"
    shutil.copytree(kept, read_once / "siuo-before")

    def write(*arguments, **named) -> None:
        shutil.rmtree(kept)
        hold("siuo", *arguments, **named)

    yield write
    shutil.rmtree(kept)
    shutil.move(read_once / "siuo-before", kept)


@pytest.mark.parametrize("name", ["vlguard", "spa_vl", "mis", "local"])
def test_planted_copies_are_removed_counted_and_listed(configure, siuo_holds, name):
    samples = list(read_table(Path("data/train_corpora") / name / "samples", CorpusSample))
    images = {image.image_id: image for image in read_table(Path("data/train_corpora") / name / "images", CorpusImage)}
    exact, similar, text = samples[0], samples[-1], samples[len(samples) // 2]
    with Pillow.open(io.BytesIO(images[similar.image_ids[-1]].image)) as opened:
        out = io.BytesIO()
        opened.convert("RGB").resize((64, 64)).save(out, "JPEG", quality=60)
    copies = [images[exact.image_ids[0]], picture(0, out.getvalue())]
    siuo_holds([9999], [f"Well, {text.text.upper()}!"], images=copies)
    train_sets.run(configure(train_sets=[name], size=None, benign_pool="rms" if name == "mis" else None))
    planted = {
        sample.sample_id
        for sample in samples
        if sample.text == text.text or {exact.image_ids[0], similar.image_ids[-1]} & set(sample.image_ids)
    }
    listed = read_jsonl(OUT / f"{name}.contamination.jsonl", Contaminated)
    assert {item.sample_id for item in listed} == planted
    assert {item.reason for item in listed} == {"same_image", "similar_image", "similar_text"}
    assert not planted & {row.sample_id for row in rows(name)}
    facts = read_facts(OUT, name)
    assert facts.removed == {"siuo": len(planted)}
    assert facts.removed_rows == len(planted)
    assert facts.splits["train"].there + facts.splits["validation"].there == len(rows(name))


def test_rows_removed_of_a_pool_are_listed_though_it_is_no_training_set(configure, siuo_holds):
    safe = next(
        row for row in read_table(Path("data/train_corpora/vlguard/samples"), CorpusSample) if row.label == "safe"
    )
    siuo_holds([9999], [safe.text])
    train_sets.run(configure(train_sets=["mis"], size=None, benign_pool="vlguard"))
    listed = read_jsonl(OUT / "vlguard.contamination.jsonl", Contaminated)
    reasons = {item.sample_id: item.reason for item in listed}  # of rows with nearly the same text, too
    assert reasons[safe.sample_id] == "same_text"
    assert not reasons.keys() & {row.sample_id for row in rows("mis")}
    assert read_jsonl(OUT / "mis.contamination.jsonl", Contaminated) == []
    assert not (OUT / "vlguard").exists()


def test_options_of_a_corpus_that_there_is_not_are_an_error(configure):
    params = configure()
    mistyped = params.corpora.model_copy(update={"options": {"miss": {"level": "easy"}}})
    with pytest.raises(RmsError, match=r"^corpora\.options: 'miss' is no known corpus"):
        train_corpora.run(params.model_copy(update={"corpora": mistyped}), "mis")


def test_others_are_cleaned_of_what_our_own_test_split_holds(configure, read_once, tmp_path, monkeypatch):
    shutil.copytree(read_once / "data", tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    test_photograph = pixels(200)
    folder = tmp_path / "public/local"
    LAYOUTS["local"](folder_made(folder))
    (folder / "3.png").write_bytes(test_photograph)
    train_corpora.run(configure(), "local")
    train_sets.run(configure(train_sets=["rms", "local"]))
    listed = read_jsonl(OUT / "local.contamination.jsonl", Contaminated)
    assert [(item.corpus, item.reason) for item in listed] == [("rms", "same_image")]
    assert read_jsonl(OUT / "rms.contamination.jsonl", Contaminated) == []


def folder_made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder
