"""The server that other tests trust must do what its behaviour says."""

import asyncio
import json
import time
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError

import aiohttp
import pytest
from fault_server import Behaviour, Server, running

SCHEMA = {
    "title": "Answer",
    "type": "object",
    "properties": {
        "verdict": {"enum": ["safe", "unsafe"]},
        "reason": {"type": "string"},
        "score": {"type": "number", "minimum": 0, "maximum": 1},
        "parts": {"type": "array", "items": {"$ref": "#/$defs/Part"}},
        "note": {"anyOf": [{"type": "null"}, {"type": "string", "maxLength": 5}]},
    },
    "$defs": {"Part": {"type": "object", "properties": {"name": {"type": "string"}}}},
}
FORM = {"type": "json_schema", "json_schema": {"name": "Answer", "schema": SCHEMA}}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running(Behaviour()) as started:
        yield started


def question(number: int, **more: Any) -> dict[str, Any]:
    text = f"item-{number:03d}"
    return {"model": "mock", "messages": [{"role": "user", "content": text}], "response_format": FORM} | more


def ask(server: Server, *bodies: dict[str, Any], timeout_s: float = 5.0) -> list[tuple[int, Any]]:
    """Status and JSON of each answer; status 0 where there was none."""

    async def one(session: aiohttp.ClientSession, body: dict[str, Any]) -> tuple[int, Any]:
        try:
            async with session.post(f"{server.url}/chat/completions", json=body) as answer:
                text = await answer.text()
                return answer.status, json.loads(text) if text.startswith("{") else text
        except (aiohttp.ClientError, TimeoutError):
            return 0, None

    async def every() -> list[tuple[int, Any]]:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(timeout_s)) as session:
            return await asyncio.gather(*(one(session, body) for body in bodies))

    return asyncio.run(every())


def text_of(answer: Any) -> Any:
    return answer["choices"][0]["message"]["content"]


def test_a_good_answer_follows_the_schema_and_is_billed_as_it_says(server: Server) -> None:
    server.behave(Behaviour(), forget=True)
    [(status, answer)] = ask(server, question(7))
    value = json.loads(text_of(answer))
    assert status == 200
    assert value["verdict"] == "safe"
    assert 0 <= value["score"] <= 1
    assert value["note"] == "A sho"
    assert "item-007" in value["reason"]
    assert "item-007" in value["parts"][0]["name"]
    books = server.stats()
    assert (books.requests, books.answered) == (1, 1)
    assert (books.input_tokens, books.output_tokens) == (
        answer["usage"]["prompt_tokens"],
        answer["usage"]["completion_tokens"],
    )


@pytest.mark.parametrize("name", ["500", "503", "reset", "hang", "truncated_json", "wrong_schema", "refusal", "empty"])
def test_every_fault_can_be_had(server: Server, name: str) -> None:
    server.behave(Behaviour(**{f"share_{name}": 1.0}), forget=True)
    [(status, answer)] = ask(server, question(1), timeout_s=0.3)
    if name in ("500", "503"):
        assert status == int(name)
    elif name in ("reset", "hang"):
        assert status == 0
    elif name == "truncated_json":
        with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
            json.loads(text_of(answer))
    elif name == "wrong_schema":
        assert "verdict" not in json.loads(text_of(answer))
    elif name == "refusal":
        assert answer["choices"][0]["message"]["refusal"]
    else:
        assert text_of(answer) == ""
    assert server.stats().log[0].fault == name


def test_faults_come_in_their_share_and_again_at_the_same_place(server: Server) -> None:
    seen = []
    for _ in range(2):
        server.behave(Behaviour(share_500=0.3), forget=True)
        seen.append([status for status, _ in ask(server, *map(question, range(200)))])
    assert seen[0] == seen[1]
    assert 30 <= seen[0].count(500) <= 90
    failed = seen[0].index(500)
    again = {ask(server, question(failed))[0][0] for _ in range(20)}
    assert again == {200, 500}, "another attempt has another fate"


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_rate_limit_says_when_to_come_back_and_counts_who_does_not_wait(server: Server, form: Any) -> None:
    server.behave(Behaviour(rpm=300, retry_after=form), forget=True)
    statuses = [status for status, _ in ask(server, *map(question, range(12)))]
    assert statuses.count(200) in (5, 6)
    refused = statuses.index(429)
    ask(server, question(refused))
    assert server.stats().early == 1
    time.sleep(2.2 if form == "date" else 1.1)
    assert ask(server, question(refused))[0][0] == 200
    assert server.stats().early == 1


def test_one_slot_works_on_one_request_at_a_time_and_forgets_who_left(server: Server) -> None:
    server.behave(Behaviour(latency_s=0.1, slots=1), forget=True)
    start = time.monotonic()
    answers = ask(server, *map(question, range(5)))
    assert [status for status, _ in answers] == [200] * 5
    assert time.monotonic() - start > 0.5
    assert ask(server, *map(question, range(5)), timeout_s=0.25).count((0, None)) == 3
    time.sleep(0.1)
    assert [one.status for one in server.log()].count(499) == 3


def test_a_slow_drip_arrives_whole_for_who_has_the_patience(server: Server) -> None:
    server.behave(Behaviour(share_slow_drip=1.0, drip_s=0.5), forget=True)
    [(status, answer)] = ask(server, question(1))
    assert status == 200
    assert "item-001" in text_of(answer)
    assert ask(server, question(1), timeout_s=0.2)[0][0] == 0


def test_what_the_endpoint_cannot_do_is_an_error_that_says_so(server: Server) -> None:
    lacks = {"no_json_schema": {}, "no_logprobs": {"logprobs": True}, "no_seed": {"seed": 1}}
    lacks["no_vision"] = {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]}
    for name, more in lacks.items():
        server.behave(Behaviour(**{name: True}))
        [(status, answer)] = ask(server, question(1, **more))
        assert (name, status) == (name, 400)
        assert answer["error"]["message"]


def test_without_a_response_format_the_schema_is_found_in_the_prompt(server: Server) -> None:
    server.behave(Behaviour())
    messages = [{"role": "user", "content": f"Use {{}} this: {json.dumps(SCHEMA)}"}]
    loose, plain = ask(
        server,
        {"messages": messages, "response_format": {"type": "json_object"}},
        {"messages": messages},
    )
    assert json.loads(text_of(loose[1]))["verdict"] == "safe"
    assert text_of(plain[1]).startswith("Here")
    assert '"verdict": "safe"' in text_of(plain[1])


def test_fatal_answers(server: Server) -> None:
    for name, status in (("status_401", 401), ("unknown_model_404", 404), ("html", 200)):
        server.behave(Behaviour(**{name: True}))
        assert ask(server, question(1))[0][0] == status
    assert "<h1>" in ask(server, question(1))[0][1]


def test_half_of_the_verdicts_on_what_is_named_are_unsafe_and_the_same_ones_again(server: Server) -> None:
    server.behave(Behaviour(unsafe_if="item-0"), forget=True)
    asked = [question(number) for number in range(60)]
    verdicts = [json.loads(text_of(answer))["verdict"] for _, answer in ask(server, *asked)]
    assert verdicts == [json.loads(text_of(answer))["verdict"] for _, answer in ask(server, *asked)]
    assert 15 < verdicts.count("unsafe") < 45
    server.behave(Behaviour(unsafe_if="item-1"), forget=True)
    assert {json.loads(text_of(answer))["verdict"] for _, answer in ask(server, *asked)} == {"safe"}


def test_errors_repeat_the_key_where_they_are_told_to(server: Server) -> None:
    server.behave(Behaviour(status_401=True, echo_key=True), forget=True)
    asked = urllib.request.Request(f"{server.url}/chat/completions", b"{}", {"Authorization": "Bearer some-key"})
    with pytest.raises(HTTPError) as refused:
        urllib.request.urlopen(asked, timeout=5)
    with refused.value as answer:
        assert "Bearer some-key" in json.load(answer)["error"]["message"]


def test_thinking_is_in_the_text_and_in_the_bill(server: Server) -> None:
    server.behave(Behaviour(reasoning_tokens=40))
    [(_, answer)] = ask(server, question(1))
    assert text_of(answer).startswith("<think>")
    assert answer["usage"]["completion_tokens_details"]["reasoning_tokens"] == 40


def test_a_batch_takes_its_time_and_gives_the_answers_that_asking_online_gives():
    from openai import OpenAI  # noqa: PLC0415 - heavy

    lines = [
        {"custom_id": f"q{n}", "method": "POST", "url": "/v1/chat/completions", "body": question(n)} for n in range(8)
    ]
    file = "".join(f"{json.dumps(line)}\n" for line in lines).encode()
    with running(Behaviour(batch_s=0.4)) as server, OpenAI(base_url=server.url, api_key="none") as client:
        uploaded = client.files.create(file=("f.jsonl", file), purpose="batch")
        batch = client.batches.create(
            input_file_id=uploaded.id, endpoint="/v1/chat/completions", completion_window="24h", metadata={"a": "b"}
        )
        seen = [batch.status]
        while batch.status != "completed":
            batch = client.batches.retrieve(batch.id)
            seen += [batch.status] if batch.status != seen[-1] else []
        assert seen == ["validating", "in_progress", "completed"]
        assert [one.metadata for one in client.batches.list()] == [{"a": "b"}]
        assert (batch.request_counts.completed, batch.error_file_id) == (8, None)
        rows = [json.loads(line) for line in client.files.content(batch.output_file_id).text.splitlines()]
        batched = server.stats()
        server.behave(Behaviour(), forget=True)
        answers = ask(server, *(question(n) for n in range(8)))
        online = server.stats()
    texts = {row["custom_id"]: text_of(row["response"]["body"]) for row in rows}
    assert [texts[f"q{n}"] for n in range(8)] == [text_of(answer) for _, answer in answers]
    assert list(texts) != sorted(texts)  # results come in any order
    assert (batched.requests, batched.output_tokens) == (0, online.output_tokens)
