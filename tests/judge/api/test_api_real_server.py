"""The judge over llama.cpp: real log-probabilities, of a model far too small to judge well."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from api_settings import may_ask, settings
from endpoint_project import KEY, ROOT
from llama_server import INSTALLED, LlamaServer, running
from test_embedded_judge import CHOCOLATE, LAPTOP, photo

import rms.judge
from rms.judge import Example, Query
from rms.judge.api import ApiJudge
from rms.judge.api.forms import form_of
from rms.judge.api.view import view_of

pytestmark = pytest.mark.skipif(not INSTALLED, reason="needs the packages of requirements-test.lock: `make unit`")

# The model rather chats than judges, so it is held to one of the two words; its probabilities are what they are.
GRAMMAR = 'root ::= "safe" | "unsafe"'
PLAIN = ("judge.vision=false", "judge.max_tokens_name=max_tokens", "judge.concurrency=1", "judge.timeout_s=120.0",
         f"+judge.body.grammar='{GRAMMAR}'")  # fmt: skip


@pytest.fixture(scope="module")
def llama() -> Iterator[LlamaServer]:
    with running(KEY) as server:
        yield server


@pytest.fixture
def judge(llama: LlamaServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ApiJudge:
    may_ask(llama.url, tmp_path, monkeypatch)
    return ApiJudge.untrained("full", settings(llama.url, *PLAIN))


def samples(count: int) -> list[Query]:
    pictures = [photo("chelsea.png"), photo("coffee.png")]
    texts = [f"{text} It is {hour} o'clock." for hour in range(1, 6) for text in (*CHOCOLATE, *LAPTOP)]
    pairs = [Query((picture,), text) for text in texts for picture in pictures]
    return pairs[:count]


@pytest.mark.usefixtures("judge")
def test_a_hundred_samples_have_verdicts_and_a_rerun_sends_nothing(llama, tmp_path):
    """Asked as Llama Guard is, without a policy: to read one takes a server of this size most of a second."""
    judge = ApiJudge.untrained("full", settings(llama.url, *PLAIN, "judge.form=llama_guard", "judge.policy=null"))
    asked = samples(100)
    judge.fit([], [Example(query, number % 2) for number, query in enumerate(asked)])
    took = llama.tokens()
    scores = judge.p_unsafe(asked)
    assert llama.tokens() == took
    assert took.written >= 100
    assert not np.isnan(scores).any()
    assert judge.without_verdict.total() == 0
    judge.save(tmp_path)
    again = rms.judge.load(tmp_path)
    assert np.array_equal(again.p_unsafe(asked), scores)
    assert again.threshold == judge.threshold
    assert llama.tokens() == took


def test_its_probability_is_what_the_server_tells_of_the_two_words(llama, judge):
    (query,) = samples(1)
    (score,) = judge.p_unsafe([query])
    policy = (ROOT / "conf/policy/default.md").read_text().strip()
    (request,) = form_of("words", policy, 20, "").questions(view_of(query, "full", vision=False)).values()
    body = {
        "messages": [{"role": "user", "content": request.messages[0].text}], "max_tokens": 16, "temperature": 0,
        "logprobs": True, "top_logprobs": 20, "seed": 0, "grammar": GRAMMAR,
    }  # fmt: skip
    told = json.loads(llama.ask("/v1/chat/completions", body))["choices"][0]["logprobs"]["content"][0]
    mass = {"safe": 0.0, "unsafe": 0.0}
    for token, logprob in {one["token"]: one["logprob"] for one in [told, *told["top_logprobs"]]}.items():
        for word in mass:
            mass[word] += np.exp(logprob) if word.startswith(token.strip().lower() or "?") and len(token) > 1 else 0
    assert score == pytest.approx(mass["unsafe"] / sum(mass.values()), abs=1e-6)
