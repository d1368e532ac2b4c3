"""Every adapter on rows in its dataset's public layout."""

from pathlib import Path

import public_layouts
import pytest
from corpus_layouts import cell, picture, records, write_json, write_parquet
from public_layouts import LAYOUTS

from rms.corpora import adapter, adapters, require_trainable
from rms.corpora.adapters.unsafebench import PROMPT
from rms.errors import RmsError
from rms.records import CorpusSample

Facts = list[tuple[str, str, str]]


def _facts(samples: list[CorpusSample]) -> Facts:
    return [(sample.text, sample.label, sample.category) for sample in samples]


def test_every_adapter_has_a_layout_here() -> None:
    assert list(LAYOUTS) == list(adapters())


@pytest.mark.parametrize("name", LAYOUTS)
def test_what_is_read_of_a_layout_agrees_with_the_facts_of_its_adapter(tmp_path: Path, name: str) -> None:
    LAYOUTS[name](tmp_path)
    kind = adapters()[name]
    for split in kind.splits:
        pictures, samples, _ = records(name, tmp_path, split.name)
        assert samples
        assert {image for sample in samples for image in sample.image_ids} <= {found.image_id for found in pictures}
        assert {(s.corpus, s.split, s.label_of) for s in samples} == {(name, split.name, kind.label_of)}
        assert kind.classes == "both" or {s.label for s in samples} == {"unsafe"}
        assert all(bool(s.response) == (kind.label_of == "response") for s in samples)


@pytest.mark.parametrize(
    ("name", "split", "facts"),
    [
        (
            "mm_safetybench",
            "test",
            [(f"What about {kind}?", "unsafe", "Illegal_Activitiy") for kind in ("SD", "SD_TYPO", "TYPO")],
        ),
        ("vlsbench", "test", [("How do I use this best?", "unsafe", "Violent/Weapon-Related Violence")]),
        (
            "msts",
            "test",
            [
                ("Should I try this?", "unsafe", "Other/Dangerous challenges"),
                ("I am going to try this.", "unsafe", "Other/Dangerous challenges"),
            ],
        ),
        (
            "holisafe",
            "test",
            [
                ("What about SSS?", "safe", "hate/race"),
                *((f"What about {kind}?", "unsafe", "hate/race") for kind in ("SSU", "SUU", "USU", "UUU")),
            ],
        ),
        (
            "mis",
            "test",
            [
                (f"How do these go together, {level}?", "unsafe", "Violence/Weapon Related")
                for level in ("easy", "hard", "real")
            ],
        ),
        ("mis", "train", [("What is it?", "unsafe", "Violence")]),
        ("jailbreakv", "test", [('Pretend, then, over\nseveral lines, and "quoted".', "unsafe", "Fraud")]),
        (
            "mossbench",
            "test",
            [("A game for the toy knife?", "safe", "type 1"), ("A game for the real knife?", "unsafe", "type 1")],
        ),
        ("unsafebench", "train", [(PROMPT, "safe", "Hate"), (PROMPT, "unsafe", "Hate")]),
        ("hateful_memes", "test", [("what a day", "safe", ""), ("what a day", "unsafe", "")]),
    ],
)
def test_texts_labels_and_categories(tmp_path: Path, name: str, split: str, facts: Facts) -> None:
    LAYOUTS[name](tmp_path)
    assert _facts(records(name, tmp_path, split)[1]) == facts


def test_the_two_layouts_of_mm_safetybench_pair_each_image_with_its_own_question(tmp_path: Path) -> None:
    public_layouts.mm_safetybench_original(tmp_path)
    pictures, samples, rejects = records("mm_safetybench", tmp_path)
    assert not rejects
    assert len(pictures) == 3
    asked = ["The image shows an activity. What of it?", *["The image shows a phrase. What of it?"] * 2]
    assert _facts(samples) == [(text, "unsafe", "Illegal_Activitiy") for text in asked]


@pytest.mark.parametrize("layout", [public_layouts.mm_safetybench, public_layouts.mm_safetybench_original])
def test_one_kind_of_image_may_be_chosen(tmp_path: Path, layout) -> None:
    layout(tmp_path)
    _, everything, _ = records("mm_safetybench", tmp_path)
    _, chosen, _ = records("mm_safetybench", tmp_path, images="TYPO")
    assert chosen == everything[2:]


def test_msts_is_read_in_the_language_asked_for(tmp_path: Path) -> None:
    public_layouts.msts(tmp_path)
    assert [s.text for s in records("msts", tmp_path, language="german")[1]] == ["Soll ich das versuchen?"]
    with pytest.raises(RmsError, match=r"data/hindi-\*\.parquet[^\n]* or prompts_hindi\.csv[^\n]*not found"):
        records("msts", tmp_path, language="hindi")
    with pytest.raises(RmsError, match=r"^corpora\.options\.msts\.language = 'latin': must be one of english, arabic"):
        records("msts", tmp_path, language="latin")
    with pytest.raises(RmsError, match=r"^corpora\.options\.msts: 'tongue' is no option of it; options are: language$"):
        records("msts", tmp_path, tongue="german")


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_images_of_the_msts_repository_are_found_by_their_ids(tmp_path: Path, suffix: str) -> None:
    public_layouts.msts_repository(tmp_path)
    drawn = tmp_path / "data/unsafe_images/unsafe_image_0001.jpg"
    drawn.rename(drawn.with_suffix(f".{suffix}"))
    _, samples, rejects = records("msts", tmp_path)
    assert not rejects
    assert [s.text for s in samples] == ["Should I try this?", "I will."]


def test_a_sample_of_mis_has_two_images_in_their_order(tmp_path: Path) -> None:
    public_layouts.mis(tmp_path)
    _, samples, _ = records("mis", tmp_path, level="hard")
    (first, second) = samples[0].image_ids
    _, everything, _ = records("mis", tmp_path)
    assert first != second
    assert [s.image_ids[1] for s in everything] == [second] * 3
    assert len({s.image_ids[0] for s in everything}) == 3
    (tmp_path / "hard_image/1/object2.png").unlink()
    _, _, rejects = records("mis", tmp_path)
    assert [(r.file, r.field, r.reason) for r in rejects] == [("mis_hard.json", "image_path2", "missing_image")]


def test_images_of_mis_given_as_one_string_are_no_list_of_letters(tmp_path: Path) -> None:
    public_layouts.mis(tmp_path)
    good = {"image": ["images/a.png"], "question": "Well?"}
    write_json(tmp_path / "mis_train.json", [good, good | {"image": "images/a.png"}])
    _, samples, rejects = records("mis", tmp_path, "train")
    assert len(samples) == 1
    assert [(r.row, r.field, r.reason) for r in rejects] == [("2", "image", "wrong_type")]


def test_both_responses_of_spa_vl_are_labelled_by_the_preference(tmp_path: Path) -> None:
    public_layouts.spa_vl(tmp_path)
    pictures, samples, rejects = records("spa_vl", tmp_path)
    assert (len(pictures), rejects) == (1, [])
    assert [(s.response, s.label) for s in samples] == [("Better not.", "safe"), ("Do it.", "unsafe")]
    assert {s.category for s in samples} == {"Toxicity Harms/Discrimination/Race"}
    assert [s.text for s in records("spa_vl", tmp_path, "train")[1]] == ["What do you say?"] * 2 + ["And now?"] * 2
    assert adapters()["spa_vl"].derived


def test_equal_responses_of_spa_vl_contradict_each_other(tmp_path: Path) -> None:
    pair = {"image": cell(), "question": "What?", "chosen": "The same.", "rejected": "The same."}
    write_parquet(tmp_path / "data/train-00000.parquet", [pair])
    _, samples, rejects = records("spa_vl", tmp_path, "train")
    assert [s.label for s in samples] == ["safe"]
    assert [r.reason for r in rejects] == ["conflicting_label"]


def test_beavertails_v_keeps_both_responses_to_a_question_and_each_image_once(tmp_path: Path) -> None:
    public_layouts.beavertails_v(tmp_path)
    pictures, samples, rejects = records("beavertails_v", tmp_path)
    assert (len(pictures), len(samples), rejects) == (2, 4, [])
    assert [(s.response, s.label, s.category) for s in samples[:2]] == [
        ("I'd rather not.", "safe", "animal_abuse"),
        ("Gladly.", "unsafe", "animal_abuse"),
    ]
    assert len(records("beavertails_v", tmp_path, "train")[1]) == 2


def test_what_the_hub_lacks_of_jailbreakv_is_counted(tmp_path: Path) -> None:
    public_layouts.jailbreakv(tmp_path)
    _, _, rejects = records("jailbreakv", tmp_path)
    assert [(r.row, r.field, r.reason) for r in rejects] == [("2", "image_path", "missing_image")]
    _, samples, rejects = records("jailbreakv", tmp_path, part="mini")
    assert (len(samples), rejects) == (1, [])


def test_an_id_that_stands_twice_in_mossbench_is_not_silently_overwritten(tmp_path: Path) -> None:
    public_layouts.mossbench(tmp_path)
    file = tmp_path / "data/images_information/information.json"
    file.write_text('{"1": {"image": "images/1.png"}, "1": {"image": "images/1.png"}}')
    with pytest.raises(RmsError, match=r"information\.json[^\n]*'1' stands twice"):
        records("mossbench", tmp_path)


def test_mirrors_of_hateful_memes_in_parquet_are_read_too(tmp_path: Path) -> None:
    rows = [
        {"id": 1, "image": cell(), "text": "one", "label": 1.0},
        {"id": 2, "image": cell(), "text": "two", "label": None},
    ]
    write_parquet(tmp_path / "data/test-00000-of-00001.parquet", rows)
    _, samples, rejects = records("hateful_memes", tmp_path)
    assert [(s.text, s.label) for s in samples] == [("one", "unsafe")]
    assert [(r.row, r.field, r.reason) for r in rejects] == [("2", "label", "unknown_label")]
    with pytest.raises(RmsError, match=r"dev_unseen\.jsonl[^\n]*not found"):  # never another part in its place
        list(adapter("hateful_memes", {"part": "dev_unseen"}).rows(tmp_path, "test"))


@pytest.mark.parametrize(
    "value",
    [
        [{"img_path": "0.png", "query": "What of it?"}],
        {"7": {"image": "0.png", "question": "What of it?"}},
        {"class": "discrimination", "data": [{"image_name": "images/0.png", "prompt": "What of it?"}]},
        [{"images": ["0.png"], "instruction": "What of it?", "safe": False}],
        [{"image": "0.png", "text": "What of it?", "label": "unsafe"}],
    ],
)
def test_rms2_finds_its_fields_under_many_names(tmp_path: Path, value: object) -> None:
    write_json(tmp_path / "discrimination.json", value)
    picture(tmp_path / "images/0.png")
    found = [sample for split in ("test", "train") for sample in _either(tmp_path, split)]
    assert [(s.text, s.label, s.category) for s in found] == [("What of it?", "unsafe", "discrimination")]


def test_rms2_says_which_fields_it_found_when_it_knows_none(tmp_path: Path) -> None:
    public_layouts.rms2(tmp_path)
    write_json(tmp_path / "fraud.json", [{"picture": "0.png", "words": "What?"}])
    _, _, rejects = records("rms2", tmp_path)
    assert [(r.file, r.reason) for r in rejects] == [("fraud.json", "missing_field")]
    assert "an image; it has 'picture', 'words'" in rejects[0].detail


def test_the_splits_of_rms2_share_no_image_and_lose_none(tmp_path: Path) -> None:
    rows = [{"image": f"{n % 40}.png", "text": f"What of {n}?"} for n in range(80)]
    write_json(tmp_path / "fraud.json", rows)
    for n in range(40):
        picture(tmp_path / f"{n}.png", f"#{n + 10}0000")
    (test, train) = ({tuple(s.image_ids) for s in _either(tmp_path, split)} for split in ("test", "train"))
    assert not test & train
    assert len(test | train) == 40
    assert 0 < len(test) < len(train)


def _either(folder: Path, split: str) -> list[CorpusSample]:
    try:
        return records("rms2", folder, split)[1]
    except RmsError as error:
        assert "has no rows for split" in str(error)
        return []


def test_local_rows_may_have_several_images_and_a_training_table(tmp_path: Path) -> None:
    folder = tmp_path
    picture(folder / "b.png", "blue")
    public_layouts.own(folder)
    (folder / "samples.jsonl").write_text('{"image": ["a.png", "b.png"], "text": "Both?", "label": 0}')
    assert [len(s.image_ids) for s in records("local", folder)[1]] == [2]
    assert [len(s.image_ids) for s in records("local", folder, "train")[1]] == [1]


def test_only_what_may_be_trained_on_is_handed_out_for_training() -> None:
    trainable = {name for name, kind in adapters().items() if kind.trainable}
    assert {"vlguard", "spa_vl", "beavertails_v", "mis", "rms2", "local"} <= trainable
    assert all(require_trainable(name).name == name for name in trainable)
    assert all(any(split.name == "train" for split in adapters()[name].splits) for name in trainable)
    with pytest.raises(
        RmsError, match=r"^'mossbench' may not be trained on \(licence: [^)]*training prohibited[^\n]*vlguard$"
    ):
        require_trainable("mossbench")
