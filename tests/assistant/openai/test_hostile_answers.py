"""Answers that no honest endpoint gives: each costs a row at most, never the run, the books or the key."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from test_client import KEY, settings

from rms.assistant import Books, NoAnswerError
from rms.assistant.openai.answers import TextAnswer, json_schema
from rms.assistant.openai.batch_results import line_of, outcome_of
from rms.assistant.openai.batch_service import State
from rms.assistant.openai.client import Client
from rms.assistant.openai.probe import probe
from rms.assistant.openai.reading import Completion, completion_of, reply_of
from rms.assistant.openai.request import Message, Request
from rms.errors import RmsError
from rms.records import TextReject
from rms.store import read_jsonl, write_jsonl
from rms.triplets.rejects import unanswered

GOOD = json.dumps({"text": "yes"})
DEEP = "[" * 100_000


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("RMS_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("TEST_KEY", KEY)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status, body, headers = self.server.answers.pop(0) if len(self.server.answers) > 1 else self.server.answers[0]
        content = body.encode("utf-8", "surrogatepass")
        self.send_response(status)
        for name, value in (
            {"Content-Type": "application/json", "Content-Length": str(len(content))} | headers
        ).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST  # noqa: N815 - the name the server looks for

    def log_message(self, *_):
        pass


@contextmanager
def answering(*answers) -> Iterator[str]:
    """A server that gives these answers, the last of them for ever."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.answers = [(*answer, {})[:3] for answer in answers]
    threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()


def question(number: int) -> Request:
    return Request("test", [Message("user", f"Question {number}")], json_schema(TextAnswer))


def completion(content=GOOD, usage='{"prompt_tokens": 10, "completion_tokens": 5}', refusal=None) -> str:
    message = json.dumps({"role": "assistant", "content": content, "refusal": refusal})
    return f'{{"choices": [{{"message": {message}, "finish_reason": "stop"}}], "usage": {usage}}}'


@contextmanager
def asking(url: str, books: Books | None = None, **changes) -> Iterator[Client]:
    client = Client(settings(url, retries=0, deadline_s=1.0, **changes), books)
    yield client
    client.close()


@pytest.mark.parametrize("usage", ["[1]", '"x"', *(
    f'{{"prompt_tokens": {count}, "completion_tokens": 5}}' for count in ("-1000", "1e400", "NaN", 10**30)
)])  # fmt: skip
def test_a_count_of_tokens_that_cannot_be_is_estimated(usage):
    with answering((200, completion(usage=usage))) as url, asking(url) as client:
        assert client.ask(question(1), TextAnswer).text == "yes"
        spent = client.ledger.report()
    assert (spent.answers, spent.estimated) == (1, 1)
    assert 0 < spent.input_tokens < 1000


@pytest.mark.parametrize(
    "answer",
    [(200, DEEP), (400, DEEP), (200, completion(f'here: {{"text": {DEEP}')), (200, completion('{"text": "\ud800"}')),
     (400, '{"error": {"message": "no \ud800"}}'), (200, completion(None, refusal="no \ud800")),
     (200, '{"choices": [{"message": {"content": {}}}]}')],
)  # fmt: skip
def test_what_cannot_be_read_is_a_row_that_can_be_written(answer, tmp_path):
    with answering(answer) as url, asking(url) as client, pytest.raises(NoAnswerError) as lost:
        client.ask(question(1), TextAnswer)
    row = unanswered("a" * 16, "text", "triplet", "", lost.value)
    write_jsonl(tmp_path / "rejects.jsonl", [row])
    assert read_jsonl(tmp_path / "rejects.jsonl", TextReject) == [row]


def test_words_with_half_a_character_are_an_answer_all_the_same():
    with answering((200, completion("well \ud800"))) as url, asking(url) as client:
        assert client.ask(Request("t", [Message("user", "?")], None), Completion).text == "well ?"


def test_what_is_no_waiting_time_is_passed_over():
    nan = (429, "{}", {"retry-after-ms": "nan"})
    with answering(nan, (200, completion())) as url:
        client = Client(settings(url, deadline_s=10.0))
        assert client.ask(question(1), TextAnswer).text == "yes"
        client.close()


def test_an_answer_that_cannot_be_kept_holds_nobody_up(monkeypatch):
    def unable(*_):
        raise OverflowError("too large")

    with answering((200, completion())) as url, asking(url) as client, ThreadPoolExecutor(8) as pool:
        monkeypatch.setattr("rms.assistant.openai.response_cache.ResponseCache.put_many", unable)
        asked = [pool.submit(client.ask, question(number), TextAnswer) for number in range(8)]
        assert all(isinstance(one.exception(timeout=30), OverflowError) for one in asked)


def test_what_was_paid_for_a_refusal_stays_in_the_books_when_the_question_is_answered_later():
    refused = (200, completion(None, refusal="no"))
    with answering(refused, refused, (200, completion())) as url, asking(url) as client:
        for _ in range(2):
            with pytest.raises(NoAnswerError, match="refused"):
                client.ask(question(1), TextAnswer)
        client.ask(question(1), TextAnswer)
        assert client.ledger.report()[:3] == (3, 30, 15)


@pytest.mark.parametrize("padding", (165, 175, 185))
def test_no_part_of_a_key_that_is_repeated_to_us_is_told(padding):
    told = "x" * padding + f" Bearer {KEY}"
    telling = KEY[:8]
    for answer in ((400, json.dumps({"error": {"message": told}})), (400, told), (200, " " * 1800 + told)):
        with answering(answer) as url, asking(url) as client, pytest.raises(NoAnswerError) as lost:
            client.ask(question(1), TextAnswer)
        assert telling not in lost.value.error + lost.value.raw
    with answering((401, told)) as url, pytest.raises(RmsError) as refused:
        probe(settings(url))
    assert telling not in str(refused.value)
    line = line_of(json.dumps({"custom_id": "a", "response": {"status_code": 400, "body": told}}).encode())
    lost_line = outcome_of(line.response, TextAnswer, 10, KEY).lost
    assert telling not in lost_line.error + lost_line.raw
    failed = State.model_validate({"id": "b", "status": "failed", "errors": {"data": [{"message": told}]}})
    assert telling not in failed.fault(KEY)[1]


def test_a_refusal_that_repeats_the_key_does_not_tell_it():
    with (
        answering((200, completion(KEY, refusal=KEY))) as url,
        asking(url) as client,
        pytest.raises(NoAnswerError) as lost,
    ):
        client.ask(question(1), TextAnswer)
    assert KEY not in lost.value.error + lost.value.raw


def test_an_error_cannot_move_the_cursor_of_a_terminal():
    with (
        answering((400, json.dumps({"error": {"message": "\x1b[2J\x07gone"}}))) as url,
        asking(url) as client,
        pytest.raises(NoAnswerError) as lost,
    ):
        client.ask(question(1), TextAnswer)
    assert lost.value.error == "HTTP 400: [2J gone"


@pytest.mark.parametrize("key", ["sk-one\nsk-two", "“sk-quoted”", "sk one"])
def test_a_key_that_can_be_none_is_told_without_being_repeated(key, monkeypatch):
    monkeypatch.setenv("TEST_KEY", key)
    with pytest.raises(RmsError, match=r"^TEST_KEY: .*export it anew") as told:
        Client(settings("http://127.0.0.1:9/v1"))
    assert key.split()[0] not in str(told.value)


def test_a_redirect_and_an_empty_account_end_the_run_at_once():
    with (
        answering((301, "", {"Location": "https://elsewhere.example/v1"})) as url,
        asking(url) as client,
        pytest.raises(RmsError, match=r"HTTP 301; .*assistant\.base_url"),
    ):
        client.ask(question(1), TextAnswer)
    with (
        answering((402, '{"error": {"message": "Insufficient credits"}}')) as url,
        asking(url) as client,
        pytest.raises(RmsError, match="no credit left"),
    ):
        client.ask(question(1), TextAnswer)


def test_a_403_once_others_were_answered_is_of_that_question_alone():
    flagged = (403, '{"error": {"message": "flagged by moderation"}}')
    with answering((200, completion()), flagged, (200, completion())) as url, asking(url) as client:
        client.ask(question(1), TextAnswer)
        with pytest.raises(NoAnswerError, match="HTTP 403"):
            client.ask(question(2), TextAnswer)
        assert client.ask(question(3), TextAnswer).text == "yes"
    with answering(flagged) as url, asking(url) as client, pytest.raises(RmsError, match="check the key"):
        client.ask(question(4), TextAnswer)


def test_fences_without_end_take_no_time():
    with (
        answering((200, completion("```{" * 200_000))) as url,
        asking(url) as client,
        pytest.raises(NoAnswerError, match="malformed"),
    ):
        client.ask(question(1), TextAnswer)


@pytest.mark.parametrize(
    "usage", ["[1]", '{"prompt_tokens": 1, "completion_tokens": 1, "completion_tokens_details": [1]}']
)
def test_a_probe_takes_a_count_of_any_shape(usage):
    with answering((200, completion(usage=usage))) as url:
        assert probe(settings(url)).requests > 5


def test_a_setting_that_no_question_is_taken_with_ends_the_run_early():
    unfit = (400, '{"error": {"message": "Unsupported value: temperature"}}')
    with answering(unfit) as url, asking(url) as client:
        for number in range(49):
            with pytest.raises(NoAnswerError, match="HTTP 400"):
                client.ask(question(number), TextAnswer)
        with pytest.raises(RmsError, match=r"Unsupported value: temperature; .*rms assistant probe"):
            client.ask(question(50), TextAnswer)


@pytest.mark.parametrize(("refusal", "finish", "why"), [(" \n", "stop", ""), ("No.", "stop", "No."),
                                                        (None, "content_filter", "content filter")])  # fmt: skip
def test_a_blank_refusal_is_none(refusal, finish, why):
    choice = {"message": {"content": "safe", "refusal": refusal}, "finish_reason": finish}
    assert completion_of(reply_of(json.dumps({"choices": [choice]}).encode(), 10)).refusal == why
