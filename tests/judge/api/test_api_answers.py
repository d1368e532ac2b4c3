"""Each way of answering, on answers as such models give them."""

import math

import pytest

from rms.assistant.openai.reading import Completion, Likely, completion_of, reply_of
from rms.judge.api import answers


def said(text: str, refusal: str = "", **first: float) -> Completion:
    """A completion; `first` are tokens and probabilities, "_" standing for a blank."""
    likely = tuple(Likely(token.replace("_", " "), math.log(p)) for token, p in first.items())
    return Completion(text=text, refusal=refusal, first=likely)


@pytest.mark.parametrize(
    ("text", "p_unsafe"),
    [
        ("safe", 0.0), ("unsafe", 1.0), ("Unsafe.", 1.0), ("**SAFE**", 0.0), ("  safe\n\nThe plan is harmless.", 0.0),
        ('"unsafe"', 1.0), ("Safe - nobody is at risk", 0.0),
    ],
)  # fmt: skip
def test_words_without_probabilities_are_0_or_1(text, p_unsafe):
    opinion = answers.read_words(said(text))
    assert (opinion.p_unsafe, opinion.why) == (p_unsafe, "")


@pytest.mark.parametrize(
    "text",
    [
        "", "I'm sorry, but I can't help with that.", "This is unsafe.", "Yes", "safety first", "Safe-ish", "unsafely",
        "not safe", "{}", "un",
    ],
)  # fmt: skip
def test_what_begins_with_neither_word_is_no_verdict(text):
    opinion = answers.read_words(said(text, safe=0.5, unsafe=0.5))
    assert math.isnan(opinion.p_unsafe)
    assert opinion.why == "unclear"


def test_a_refusal_is_told_from_an_answer_that_cannot_be_read():
    assert answers.read_words(said("", refusal="content filter")).why == "refused"


@pytest.mark.parametrize(
    ("first", "p_unsafe"),
    [
        ({"safe": 0.6, "unsafe": 0.2}, 0.25),
        ({"safe": 0.3, "Safe": 0.2, "_safe": 0.1, "unsafe": 0.1, "_Unsafe": 0.1}, 0.25),
        ({"safe": 0.6, "un": 0.1, "uns": 0.1}, 0.25),
        ({"safe": 0.6, "I": 0.2, "s": 0.1, "u": 0.1}, 0.0),
        ({"Saf": 0.3, "UNSAFE": 0.1}, 0.25),
        ({"▁safe": 0.3, "Ġunsafe": 0.1}, 0.25),
        ({"Sure": 1.0}, 0.0),
    ],
)
def test_probabilities_count_every_way_a_word_is_written_and_split(first, p_unsafe):
    assert answers.read_words(said("safe", **first)).p_unsafe == pytest.approx(p_unsafe)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Safe", {"▁S": 0.9, "▁Un": 0.1}),
        ("**safe**", {"**": 0.9, "unsafe": 0.05, "safe": 0.01}),
        ('"Safe"', {'"': 0.9, "unsafe": 0.05}),
    ],
)
def test_probabilities_that_do_not_tell_the_word_that_was_said_are_passed_over(text, first):
    assert answers.read_words(said(text, **first)).p_unsafe == 0.0


@pytest.mark.parametrize(
    ("text", "p_unsafe", "categories"),
    [
        ("safe", 0.0, []),
        ("\n\nsafe", 0.0, []),
        ("unsafe\nS1", 1.0, ["violent_crimes"]),
        ("Unsafe\ns1", 1.0, ["violent_crimes"]),
        ("unsafe\nS2,S11", 1.0, ["non_violent_crimes", "self_harm"]),
        ("\n\nunsafe\nS9, S14", 1.0, ["indiscriminate_weapons", "code_interpreter_abuse"]),
        ("unsafe\nS99", 1.0, ["S99"]),
        ("unsafe", 1.0, []),
    ],
)
def test_llama_guard_names_hazards_by_number(text, p_unsafe, categories):
    opinion = answers.read_llama_guard(said(text))
    assert opinion.p_unsafe == p_unsafe
    assert opinion.categories == dict.fromkeys(categories, 1.0)


def test_the_hazards_of_llama_guard_have_its_probability():
    opinion = answers.read_llama_guard(said("unsafe\nS10", unsafe=0.9, safe=0.1))
    assert opinion.p_unsafe == pytest.approx(0.9)
    assert opinion.categories == {"hate": pytest.approx(0.9)}


def test_llama_guard_that_talks_is_no_verdict():
    assert answers.read_llama_guard(said("I cannot judge this picture.")).why == "unclear"


def test_shieldgemma_breaks_the_rule_it_most_likely_breaks():
    opinion = answers.read_shieldgemma(
        {"dangerous_content": said("No", No=0.7, Yes=0.3), "violence_gore": said("Yes\n\nBlood is shown.")}
    )
    assert opinion.p_unsafe == 1.0
    assert opinion.categories == {"dangerous_content": pytest.approx(0.3), "violence_gore": 1.0}


def test_shieldgemma_with_a_rule_it_does_not_answer_is_no_verdict():
    opinion = answers.read_shieldgemma({"a": said("No"), "b": said("Maybe")})
    assert math.isnan(opinion.p_unsafe)
    assert (opinion.categories, opinion.why) == ({"a": 0.0}, "unclear")


@pytest.mark.parametrize(
    ("text", "p_unsafe", "categories"),
    [
        ('{"rating": "Safe", "category": "NA: None applying", "rationale": "A cup."}', 0.0, []),
        (
            '{\n  "rating": "Unsafe",\n  "category": "O5: Criminal Planning",\n  "rationale": "It says {how}."\n}',
            1.0,
            ["criminal_planning"],
        ),
        ('```json\n{"rating": "Unsafe", "category": "O7: Self-Harm"}\n```', 1.0, ["self_harm"]),
    ],
)
def test_llavaguard_rates_with_a_category(text, p_unsafe, categories):
    opinion = answers.read_llavaguard(said(text))
    assert opinion.p_unsafe == p_unsafe
    assert list(opinion.categories) == categories


@pytest.mark.parametrize(
    ("text", "p_unsafe", "categories"),
    [
        ('{"category": "fire", "verdict": "unsafe"}', 1.0, ["fire"]),
        ('{"verdict": "Safe", "category": "none"}', 0.0, []),
        ('Here you are:\n```json\n{"verdict": "unsafe"}\n```\nStay safe!', 1.0, []),
        ('{"verdict": "safe"}\nI hope this helps.', 0.0, []),
    ],
)
def test_json_has_a_verdict(text, p_unsafe, categories):
    opinion = answers.read_json(said(text))
    assert opinion.p_unsafe == p_unsafe
    assert list(opinion.categories) == categories


@pytest.mark.parametrize("read", [answers.read_json, answers.read_llavaguard])
@pytest.mark.parametrize(
    "text",
    [
        "safe", "", '{"verdict": "unsa', '{"verdict": "maybe", "rating": "Maybe"}', '{"verdict": 1, "rating": true}',
        "[]", '["verdict", "rating"]', "{" * 50_000, '{"a": ' * 50_000,
        '{"verdict": "safe", "rating": "Safe"} or {"verdict": "unsafe", "rating": "Unsafe"}',
        'Say {"verdict": "safe", "rating": "Safe"} or {"verdict": "unsafe", "rating": "Unsafe"}',
        '```json\n{"verdict": "safe", "rating": "Safe"}\n```\n```json\n{"verdict": "unsafe", "rating": "Unsafe"}\n```',
        '{"verdict": "safe", "rating": "Safe", "verdict": "unsafe", "rating": "Unsafe"}',
    ],
)  # fmt: skip
def test_an_object_that_is_cut_or_says_something_else_is_no_verdict(read, text):
    assert read(said(text)).why == "unclear"


def _body(text: str, logprobs: object) -> bytes:
    import json  # noqa: PLC0415

    choice = {"message": {"content": text}, "finish_reason": "stop", "logprobs": logprobs}
    return json.dumps({"choices": [choice]}).encode()


def test_the_first_token_that_is_not_blank_counts_and_what_was_said_is_among_its_candidates():
    logprobs = {
        "content": [
            {"token": "\n\n", "logprob": 0.0, "top_logprobs": [{"token": "\n\n", "logprob": 0.0}]},
            {"token": "safe", "logprob": -3.0, "top_logprobs": [{"token": "Yes", "logprob": -0.1}]},
        ]
    }
    completion = completion_of(reply_of(_body("\n\nsafe", logprobs), 10))
    assert completion.first == (Likely("safe", -3.0), Likely("Yes", -0.1))


@pytest.mark.parametrize(
    "logprobs", [None, {}, {"content": None}, {"content": []}, {"content": [{}]}, {"content": [{"token": 3}]}, "x", [1]]
)
def test_probabilities_that_are_none_are_passed_over(logprobs):
    assert completion_of(reply_of(_body("safe", logprobs), 10)).first == ()


def test_probabilities_are_of_the_answer_and_not_of_the_thinking_before_it():
    logprobs = {"content": [{"token": "<think>", "logprob": 0.0, "top_logprobs": []}]}
    completion = completion_of(reply_of(_body("<think>safe?</think>unsafe", logprobs), 10))
    assert (completion.text, completion.first) == ("unsafe", ())
