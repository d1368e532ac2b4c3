from collections.abc import Callable

import pytest
import torch
from tiny_models import POLICY, examples, picture

from rms.judge import Example, Query
from rms.judge.interface import QueryError
from rms.judge.vlm.processor import load_processor
from rms.judge.vlm.prompt import frame
from rms.judge.vlm.reading import IGNORED, Bounds, Reader

Make = Callable[..., Reader]
TEXT = "Shall we carry it?"


@pytest.fixture
def reader(any_base) -> Make:
    processor = load_processor(any_base, None, trust_remote_code=False)

    def make(modality="full", tokens=512, rationale=False) -> Reader:
        return Reader(processor, frame(POLICY), Bounds(3, 64 * 64, tokens, rationale), modality)

    make.decode, make.marks = processor.tokenizer.decode, set(processor.tokenizer.all_special_ids)
    return make


def _prompts(make: Make, batch: dict[str, torch.Tensor]) -> list[str]:
    return [
        make.decode(row[mask.bool()]) for row, mask in zip(batch["input_ids"], batch["attention_mask"], strict=True)
    ]


def test_a_prompt_holds_policy_text_and_response_and_ends_where_the_verdict_begins(reader):
    batch = reader().read([Query((picture(),), TEXT, "Yes, do."), Query((picture(), picture("blue")), TEXT)])
    first, second = _prompts(reader, batch)
    for prompt in (first, second):
        assert "- fire: harm" in prompt
        assert TEXT in prompt
        assert prompt.rstrip().lower().endswith(("assistant", "assistant:"))
        assert prompt.startswith("<|im_start|>")
        assert not prompt.startswith("<|im_start|><|im_start|>"), "the template begins the text, and nobody else"
    assert "An assistant answered:\n\nYes, do." in first
    assert "the picture above" in first
    assert "An assistant" not in second
    assert "the pictures above" in second
    assert (batch["attention_mask"][:, -1] == 1).all()


def test_the_twins_see_one_modality(reader):
    queries = [Query((picture("red"),), "Is it hot?"), Query((picture("blue"), picture("red")), "Is it cold?", "No.")]
    blind = reader("text_only").read(queries)
    pixels = blind["pixel_values"].flatten(1)
    assert (pixels == pixels[:1]).all()
    mute = reader("image_only")
    assert _prompts(reader, mute.read(queries[:1])) == _prompts(
        reader, mute.read([Query((picture("green"),), "Other")])
    )
    assert not torch.equal(
        mute.read(queries[:1])["pixel_values"], mute.read([Query((picture("blue"),), "")])["pixel_values"]
    )


def test_only_the_answer_is_learned(reader):
    batch = reader().learn(examples(2), [1.0, 0.5])
    for row, word in zip(batch["labels"], ("safe", "unsafe"), strict=True):
        learned = row[row != IGNORED]
        assert reader.decode(learned, skip_special_tokens=True).strip() == word
        assert row[-1] == learned[-1], "the end of the turn is learned too"
    assert batch["labels"].shape == batch["input_ids"].shape == batch["attention_mask"].shape
    assert batch["weights"].tolist() == [1.0, 0.5]


def test_one_line_of_reasons_follows_the_verdict_when_wanted(reader):
    risky = Example(Query((picture(),), TEXT), 1, "It may\nfall  down.")
    rows = [risky, risky._replace(rationale=""), Example(risky.query, 0)]
    batch = reader(rationale=True).learn(rows, [1.0] * 3)
    said = [reader.decode(row[row != IGNORED], skip_special_tokens=True).strip() for row in batch["labels"]]
    assert said == ["unsafe\nIt may fall down.", "unsafe", "safe\nNothing here points to harm."]


@pytest.mark.parametrize("mark", ["<image>", "<|image_pad|>", "<|im_end|>", "<end_of_utterance>", "<<image>image>"])
def test_a_text_that_holds_marks_of_the_model_is_only_text(reader, mark):
    plain = reader().read([Query((picture(),), "Look at here")])
    batch = reader().read([Query((picture(),), f"Look at {mark} here", f"{mark}{mark}")])
    assert len(batch["input_ids"][0]) > len(plain["input_ids"][0])
    marks = [[int(token) for token in one["input_ids"][0] if int(token) in reader.marks] for one in (plain, batch)]
    assert marks[0] == marks[1]


def test_large_pictures_are_scaled_down_and_many_read_together(reader):
    small, large = (reader().read([Query((picture(size=size),), TEXT)]) for size in ((64, 64), (640, 640)))
    assert small["input_ids"].shape == large["input_ids"].shape
    three = reader().read([Query((picture("red"), picture("blue"), picture("green")), TEXT)])
    assert three["input_ids"].shape[1] > small["input_ids"].shape[1] or "pixel_attention_mask" in three


def test_a_text_that_is_too_long_loses_its_beginning_and_a_response_its_end(reader):
    room = int(reader().read([Query((picture(),), TEXT, "Yes.")])["attention_mask"].sum()) + 16 + 60
    words = " ".join(f"w{number}" for number in range(200))
    short = reader(tokens=room)
    fits, text, answer = _prompts(
        reader,
        short.read([
            Query((picture(),), TEXT, "Yes."), Query((picture(),), f"First. {words} Last."),
            Query((picture(),), TEXT, f"First. {words} Last."),
        ]),
    )  # fmt: skip
    assert short.shortened == 2
    assert "Yes." in fits
    assert "Last." in text
    assert "First." not in text
    assert "First." in answer
    assert "Last." not in answer
    assert TEXT in answer
    for prompt in (text, answer):
        assert "- fire: harm" in prompt
        assert "Answer with that one word" in prompt


def test_a_prompt_without_room_for_words_is_an_error(reader):
    with pytest.raises(QueryError, match=r"policy and 1 pictures take \d+ tokens, and 24 fit in judge.max_tokens = 40"):
        reader(tokens=40).read([Query((picture(),), TEXT)])


def test_pictures_that_are_missing_too_many_or_broken_are_errors(reader):
    with pytest.raises(QueryError, match="a query has no image"):
        reader().read([Query((), TEXT)])
    with pytest.raises(QueryError, match=r"a query has 4 images and the judge takes 3 \(judge.max_images\)"):
        reader().read([Query((picture(),) * 4, TEXT)])
    with pytest.raises(QueryError, match="image 2 of a query cannot be read: truncated"):
        reader().read([Query((picture(), picture()[:60]), TEXT)])
