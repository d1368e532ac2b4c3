"""The stages and the client over llama.cpp: a server not of ours, with its own reading of the protocol.

The model is far too small to write data of any use, so nothing here is about how good its answers are.
"""

import contextlib
import json
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import NamedTuple
from urllib.error import HTTPError

import pytest
from endpoint_project import KEY, configure, contents, cost, do, files_with_the_key, inside, stage
from llama_server import INSTALLED, LlamaServer, Tokens, running
from pydantic import BaseModel, ValidationError

from rms.assistant import NoAnswerError
from rms.assistant.openai import answers
from rms.assistant.openai.body import response_format
from rms.assistant.openai.client import Client
from rms.assistant.openai.prompting import TASKS
from rms.assistant.openai.request import Message, Request
from rms.params import OpenAIAssistant, load_params
from rms.records import ImageInfo, Pattern, TextReject, Triplet
from rms.store import read_json, read_jsonl, read_table

pytestmark = pytest.mark.skipif(not INSTALLED, reason="needs the packages of requirements-test.lock: `make unit`")

KINDS = sorted({task.answer for task in TASKS.values()}, key=lambda kind: kind.__name__)

# Left alone the model finds no pattern in any scene, and what it begins to say it says for ever. So what opens an entry
# of a list is made likelier than the end of the list, and what was just said less likely.
MANNERS = [
    """+assistant.body.logit_bias=[['{"',5.0]]""",
    *(f"+{who}.body.dry_multiplier=1.0" for who in ("assistant", "checker")),
    *(f"+{who}.body.dry_penalty_last_n=64" for who in ("assistant", "checker")),
]


@pytest.fixture(scope="session")
def llama() -> Iterator[LlamaServer]:
    with running(KEY) as server:
        yield server


def set_up(server: LlamaServer, *overrides: str, **alike: str | float) -> None:
    """Two photographs, put in words for a model that cannot see; patterns come from one of them."""
    small = ("images.limit=2", "patterns.inspiration=1", "generate.nearest=1", "generate.per_image=1")
    plain: dict[str, str | float] = {
        "model": "smollm2", "vision": "false", "max_tokens": 256, "max_tokens_name": "max_tokens", "temperature": 0.0,
        "concurrency": 2, "retries": 2, "timeout_s": 120.0, "deadline_s": 240.0,
    }  # fmt: skip
    configure(server.url, *small, *MANNERS, *overrides, **plain | alike)


@contextlib.contextmanager
def opened(server: LlamaServer, **alike: str | float) -> Iterator[Client]:
    set_up(server, **alike)
    chosen = load_params().assistant
    assert isinstance(chosen, OpenAIAssistant)
    client = Client(chosen)
    try:
        yield client
    finally:
        client.close()


class Ran(NamedTuple):
    """A stage that ran once, and what the server counted meanwhile."""

    outcome: CompletedProcess[str]
    took: Tokens


class Finished(NamedTuple):
    folder: Path
    stages: dict[str, Ran]


def run(server: LlamaServer, name: str) -> Ran:
    before = server.tokens()
    outcome = stage(name)
    return Ran(outcome, server.tokens().since(before))


@pytest.fixture(scope="session")
def finished(llama: LlamaServer, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """`patterns` and `generate`, asked of the real model."""
    with inside(tmp_path_factory.mktemp("llama")) as folder:
        set_up(llama, "max_failure_rate=1.0")
        do("collect")
        return Finished(folder, {name: run(llama, name) for name in ("patterns", "generate")})


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_its_grammar_takes_the_schema_of_every_answer(llama: LlamaServer, kind: type[BaseModel]) -> None:
    schema = answers.json_schema(kind)
    text = ask(llama, Request("test", [Message("user", "Answer.")], schema))
    assert re.match(r'(```json)?\s*\{\s*"' + next(iter(schema["properties"])), text), text


WRONG = Request("test", [Message("user", "Answer.")], {"title": "Wrong", "type": "no type at all"})


def test_a_schema_it_cannot_read_would_be_refused(llama: LlamaServer) -> None:
    with pytest.raises(HTTPError, match="400"):
        ask(llama, WRONG)


@pytest.mark.usefixtures("project")
def test_a_schema_it_cannot_read_is_put_in_words_instead(llama: LlamaServer) -> None:
    try:
        with opened(llama, max_tokens=24, retries=0) as client:
            became = str(client.ask(WRONG, answers.TextAnswer))
    except NoAnswerError as error:  # a model of this size need not understand the words
        became = error.error
    assert "HTTP" not in became


def ask(server: LlamaServer, request: Request) -> str:
    """The first few tokens of an answer, asked for as the client asks."""
    messages = [{"role": message.role, "content": message.text} for message in request.messages]
    body = {"messages": messages, "max_tokens": 24, "temperature": 0.0, **response_format(0, request)}
    text: str = json.loads(server.ask("/v1/chat/completions", body))["choices"][0]["message"]["content"]
    return text


def test_patterns_are_what_the_model_said_of_the_photographs(finished: Finished) -> None:
    outcome, _ = finished.stages["patterns"]
    assert outcome.returncode == 0, outcome.stderr
    images = {info.image_id for info in read_table(finished.folder / "data/images/images", ImageInfo)}
    patterns = list(read_table(finished.folder / "data/patterns/patterns", Pattern))
    said = " ".join(kept_answers(finished.folder))
    assert len(images) == 2
    assert patterns
    for pattern in patterns:
        assert set(pattern.example_image_ids) <= images
        assert json.dumps(pattern.intent)[1:-1] in said


def test_every_text_it_proposes_is_a_triplet_or_a_reject_that_says_why(finished: Finished) -> None:
    outcome, _ = finished.stages["generate"]
    triplets = list(read_table(finished.folder / "data/triplets/triplets", Triplet))
    rejects = read_jsonl(finished.folder / "data/triplets/rejects.jsonl", TextReject)
    assert triplets or rejects
    assert {row.failed for row in rejects} <= {"image_alone", "text_alone", "together", "duplicate", "no_answer"}
    assert {row.image_id for row in [*triplets, *rejects]} <= {
        info.image_id for info in read_table(finished.folder / "data/images/images", ImageInfo)
    }
    if not triplets:  # a model of this size may confirm nothing
        assert outcome.stderr.startswith("rms: data/triplets: no triplet passed its checks")
    assert (outcome.returncode, outcome.stderr.count("\n")) == ((0, 0) if triplets else (1, 1))


@pytest.mark.parametrize("name", ["patterns", "generate"])
def test_tokens_are_counted_as_the_server_counts_them_and_have_their_price(finished: Finished, name: str) -> None:
    folder = {"patterns": "patterns", "generate": "triplets"}[name]
    spent = read_json(finished.folder / "data" / folder / "spending.json")
    took = finished.stages[name].took
    assert (spent["input_tokens"], spent["output_tokens"]) == took
    assert (spent["answers"] > 0, spent["estimated"]) == (True, 0)
    assert spent["cost_usd"] == pytest.approx(cost(*took))


def test_every_answer_that_is_kept_follows_a_schema(finished: Finished) -> None:
    kept = kept_answers(finished.folder)
    assert len(kept) >= 4
    for text in kept:
        assert any(follows(text, kind) for kind in KINDS), text


def kept_answers(folder: Path) -> list[str]:
    with sqlite3.connect(folder / "cache/responses/answers.sqlite") as cache:
        rows = cache.execute("SELECT text FROM answers").fetchall()
    cache.close()
    return [text.decode() for (text,) in rows]


def follows(text: str, kind: type[BaseModel]) -> bool:
    try:
        kind.model_validate_json(text)
    except ValidationError:
        return False
    return True


def test_what_was_answered_is_not_asked_again_and_gives_the_same_to_the_byte(
    llama: LlamaServer, finished: Finished
) -> None:
    with inside(finished.folder):
        first = contents("data")
        again = {name: run(llama, name) for name in finished.stages}
        assert contents("data") == first
    for name, (outcome, took) in again.items():
        assert took == (0, 0)
        assert (outcome.returncode, outcome.stderr) == (
            finished.stages[name].outcome.returncode, finished.stages[name].outcome.stderr,
        )  # fmt: skip


def test_the_key_it_wants_is_in_no_file_and_no_message(finished: Finished) -> None:
    assert files_with_the_key(finished.folder) == []
    assert all(KEY not in outcome.stdout + outcome.stderr for outcome, _ in finished.stages.values())


@pytest.mark.usefixtures("project")
def test_a_wrong_key_is_one_line(llama: LlamaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", "sk-another-key")
    set_up(llama)
    outcome = stage("patterns")
    assert outcome.returncode == 1
    assert outcome.stderr.startswith(f"rms: {llama.url}: HTTP 401: ")
    assert "check the key in TEST_KEY" in outcome.stderr
    assert outcome.stderr.count("\n") == 1
    assert "sk-another-key" not in outcome.stderr


@pytest.mark.usefixtures("project")
def test_photographs_sent_to_a_model_that_cannot_see_end_in_one_line_that_says_what_to_set(llama: LlamaServer) -> None:
    set_up(llama, vision="true")
    outcome = stage("patterns")
    assert outcome.returncode == 1
    assert "set assistant.vision=false" in outcome.stderr
    assert outcome.stderr.count("\n") == 1


@pytest.mark.usefixtures("project")
def test_an_answer_cut_at_the_token_limit_is_no_answer_and_is_not_kept(llama: LlamaServer) -> None:
    schema = answers.json_schema(answers.VerdictAnswer)
    with opened(llama, max_tokens=8, retries=0) as client:
        for _ in range(2):
            before = llama.tokens()
            with pytest.raises(NoAnswerError, match="malformed answer: the answer was cut off at the token limit"):
                client.ask(Request("test", [Message("user", "Is a lake safe?")], schema), answers.VerdictAnswer)
            assert llama.tokens().since(before).written == 8
