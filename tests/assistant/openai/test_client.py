"""The client against an endpoint with every fault, in a process of its own."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from fault_server import Behaviour, running
from pydantic import BaseModel, ConfigDict

from rms.assistant import Books, NoAnswerError
from rms.assistant.openai.answers import json_schema
from rms.assistant.openai.client import Client
from rms.assistant.openai.request import Message, Request
from rms.errors import RmsError
from rms.params import Batch, OpenAIAssistant, Price, SentImage

KEY = "sk-not-a-real-key-0123456789"


class Said(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    reason: str
    probability: float


@pytest.fixture(autouse=True)
def a_cache_and_a_key(tmp_path, monkeypatch):
    monkeypatch.setenv("RMS_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("TEST_KEY", KEY)


BATCH = Batch(least=100, rounds=20, max_requests=20000, max_mb=180.0, poll_s=30.0, price_factor=0.5)


def settings(url: str, **changes: object) -> OpenAIAssistant:
    plain = {
        "kind": "openai", "base_url": url, "model": "some-model", "api_key_env": "TEST_KEY", "vision": True,
        "language": "English", "votes": 1, "answers": "json_schema", "temperature": 0.0, "top_p": None, "seed": 0,
        "max_tokens": 100, "max_tokens_name": "max_tokens", "image": SentImage(detail="low", side=512, quality=90),
        "headers": {}, "body": {}, "timeout_s": 5.0, "deadline_s": 60.0, "retries": 6, "concurrency": 32, "rpm": None,
        "tpm": None, "price": Price(input=1.0, output=2.0), "mode": "online", "batch": BATCH,
    }  # fmt: skip
    return OpenAIAssistant.model_validate({**plain, **changes})


def question(number: int) -> Request:
    return Request("test", [Message("system", "Be brief."), Message("user", f"Question {number}")], json_schema(Said))


def ask_all(client: Client, numbers: range) -> list[Said | Exception]:
    def one(number: int) -> Said | Exception:
        try:
            return client.ask(question(number), Said)
        except (NoAnswerError, RmsError) as error:
            return error

    with ThreadPoolExecutor(client.workers) as pool:
        return list(pool.map(one, numbers))


@pytest.fixture
def opened():
    clients: list[Client] = []

    def make(url: str, books: Books | None = None, **changes: object) -> Client:
        clients.append(Client(settings(url, **changes), books))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


def test_an_answer_is_paid_for_once_and_costs_nothing_again(opened):
    with running(Behaviour()) as server:
        first = opened(server.url)
        answers = ask_all(first, range(20))
        again = opened(server.url)
        assert ask_all(again, range(20)) == answers
        books = server.stats()
    assert books.requests == 20
    assert (first.ledger.sent["input_tokens"], first.ledger.sent["output_tokens"]) == (
        books.input_tokens, books.output_tokens,
    )  # fmt: skip
    assert again.ledger.sent["answers"] == 0
    assert again.ledger.report() == first.ledger.report()
    assert first.ledger.report().cost_usd == pytest.approx((books.input_tokens + 2 * books.output_tokens) / 1e6)


def test_an_answer_that_is_used_twice_is_in_the_books_once(opened):
    with running(Behaviour()) as server:
        client = opened(server.url)
        for _ in range(3):
            client.ask(question(1), Said)
        books = server.stats()
    assert client.ledger.report()[:3] == (1, books.input_tokens, books.output_tokens)


def test_a_complaint_about_one_image_is_of_that_image_alone_once_others_were_answered(opened):
    from skimage import data_dir  # noqa: PLC0415

    picture = (Path(data_dir) / "chelsea.png").read_bytes()
    request = Request("test", [Message("user", "What is it?", (picture,))], json_schema(Said))
    with running(Behaviour()) as server:
        client = opened(server.url)
        client.ask(question(1), Said)
        server.behave(Behaviour(no_vision=True))
        with pytest.raises(NoAnswerError, match="HTTP 400"):
            client.ask(request, Said)
        assert isinstance(client.ask(question(2), Said), Said)


def test_equal_questions_in_flight_are_sent_once(opened):
    with running(Behaviour(latency_s=0.3)) as server:
        client = opened(server.url)
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda _: client.ask(question(1), Said), range(16)))
        assert server.stats().requests == 1
    assert len({answer.reason for answer in answers}) == 1


def test_what_can_heal_is_asked_again_and_nothing_cut_is_handed_on(opened):
    faults = Behaviour(share_500=0.1, share_truncated_json=0.1, share_hang=0.03, share_reset=0.05, share_empty=0.05,
                       share_wrong_schema=0.05)  # fmt: skip
    with running(faults) as server:
        client = opened(server.url, timeout_s=1.0)
        answers = ask_all(client, range(100))
        books = server.stats()
    assert all(isinstance(answer, Said) for answer in answers)
    assert books.requests > 100
    # A cut answer that still reached the client is paid for too.
    assert client.ledger.sent["output_tokens"] <= books.output_tokens
    assert client.ledger.sent["answers"] >= 100


def test_what_cannot_be_had_is_a_failure_and_a_healthy_server_heals_exactly_that(opened):
    with running(Behaviour(share_500=0.6, share_truncated_json=0.3)) as server:
        answers = ask_all(opened(server.url, retries=1), range(30))
        lost = [number for number, answer in enumerate(answers) if isinstance(answer, NoAnswerError)]
        assert 0 < len(lost) < 30
        assert all("asked 2 times" in str(answers[number]) for number in lost)
        server.behave(Behaviour(), forget=True)
        assert all(isinstance(answer, Said) for answer in ask_all(opened(server.url), range(30)))
        assert server.stats().requests == len(lost)


@pytest.mark.parametrize("behaviour", [Behaviour(share_refusal=1.0)])
def test_a_refusal_is_no_answer_and_is_not_kept(opened, behaviour):
    with running(behaviour) as server:
        client = opened(server.url)
        for _ in range(2):
            with pytest.raises(NoAnswerError, match="refused"):
                client.ask(question(1), Said)
        assert server.stats().requests == 2


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [(Behaviour(status_401=True), "401.*check the key in TEST_KEY"), (Behaviour(unknown_model_404=True), "404.*model"),
     (Behaviour(html=True), "answers text/html.*instead of JSON")],
)  # fmt: skip
def test_what_no_request_will_survive_ends_the_run_in_one_line_without_the_key(opened, behaviour, message):
    with running(behaviour) as server:
        client = opened(server.url)
        with pytest.raises(RmsError, match=message) as error:
            client.ask(question(1), Said)
        sent = server.stats().requests
        with pytest.raises(RmsError):
            client.ask(question(2), Said)
        assert server.stats().requests == sent
    assert KEY not in str(error.value)
    assert "\n" not in str(error.value)


def test_an_unreachable_host_is_one_line(opened):
    with pytest.raises(RmsError, match="cannot be reached"):
        opened("http://127.0.0.1:9/v1").ask(question(1), Said)


def test_no_key_is_one_line(monkeypatch):
    monkeypatch.delenv("TEST_KEY")
    with pytest.raises(RmsError, match="TEST_KEY: no key"):
        Client(settings("http://127.0.0.1:9/v1"))


def test_an_endpoint_without_json_schema_is_asked_otherwise(opened):
    with running(Behaviour(no_json_schema=True)) as server:
        assert isinstance(opened(server.url).ask(question(1), Said), Said)


def test_a_model_without_vision_given_a_picture_says_what_to_set(opened):
    from skimage import data_dir  # noqa: PLC0415

    picture = (Path(data_dir) / "chelsea.png").read_bytes()
    request = Request("test", [Message("user", "What is it?", (picture,))], json_schema(Said))
    with running(Behaviour(no_vision=True)) as server, pytest.raises(RmsError, match=r"vision=false"):
        opened(server.url).ask(request, Said)
    with running(Behaviour()) as server:
        assert isinstance(opened(server.url).ask(request, Said), Said)


def test_thinking_is_dropped_and_its_tokens_counted(opened):
    with running(Behaviour(reasoning_tokens=500)) as server:
        client = opened(server.url)
        assert isinstance(client.ask(question(1), Said), Said)
        assert client.ledger.sent["output_tokens"] == server.stats().output_tokens >= 500


def test_tokens_an_endpoint_does_not_count_are_marked_as_estimates(opened):
    with running(Behaviour(no_usage=True)) as server:
        client = opened(server.url)
        client.ask(question(1), Said)
    assert client.ledger.report().estimated == 1


def test_the_budget_is_a_line_that_is_not_crossed_and_answers_are_kept(opened):
    with running(Behaviour()) as server:
        client = opened(server.url, Books(0.0003), concurrency=2)
        outcomes = ask_all(client, range(50))
        sent = server.stats().requests
        stopped = [outcome for outcome in outcomes if isinstance(outcome, RmsError)]
        assert stopped
        assert "budget_usd" in str(stopped[0])
        assert "raise the budget" in str(stopped[0])
        more = opened(server.url)
        assert all(isinstance(outcome, Said) for outcome in ask_all(more, range(50)))
        assert server.stats().requests == 50
    assert sent < 50


def test_a_budget_needs_a_price():
    with pytest.raises(RmsError, match="price"):
        Client(settings("http://127.0.0.1:9/v1", price=None), Books(1.0))


def test_retry_after_holds_every_request(opened):
    with running(Behaviour(rpm=600)) as server:
        client = opened(server.url)
        answers = ask_all(client, range(60))
        books = server.stats()
    assert all(isinstance(answer, Said) for answer in answers)
    assert books.refused_429 < 30
    assert books.early_any == 0


def test_being_too_early_is_none_of_the_tries_a_question_has(opened):
    with running(Behaviour(rpm=600)) as server:
        answers = ask_all(opened(server.url, retries=0), range(25))
        assert server.stats().refused_429 > 0
    assert all(isinstance(answer, Said) for answer in answers)


def _ask_with_another(url: str, meeting: Path, name: str) -> list[float]:
    """Ask twenty questions in a process of its own, once another one is there to ask the same."""
    (meeting / name).touch()
    while len(list(meeting.iterdir())) < 2:
        time.sleep(0.01)
    client = Client(settings(url))
    answers = ask_all(client, range(20))
    client.close()
    return [answer.probability for answer in answers if isinstance(answer, Said)]


def test_of_two_processes_that_want_the_same_one_asks_and_both_have_it(tmp_path):
    meeting = tmp_path / "meeting"
    meeting.mkdir()
    with (
        running(Behaviour(latency_s=1.0)) as server,
        ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes,
    ):
        both = [processes.submit(_ask_with_another, server.url, meeting, name) for name in "ab"]
        first, second = (one.result() for one in both)
        assert len(first) == 20
        assert first == second
        assert server.stats().requests == 20


_HOLD_EVERY_KEY = """
import fcntl, sys
with open(sys.argv[1], "wb") as file:
    fcntl.lockf(file, fcntl.LOCK_EX)
    print("held", flush=True)
    sys.stdin.read()
"""


def test_who_waits_long_for_another_process_is_told_and_has_its_answer_in_the_end(opened, tmp_path, capsys):
    asked = tmp_path / "cache" / "responses" / "asked"
    asked.parent.mkdir(parents=True)
    command = [sys.executable, "-c", _HOLD_EVERY_KEY, str(asked)]
    with (
        running(Behaviour()) as server,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other,
        ThreadPoolExecutor(1) as pool,
    ):
        assert other.stdin
        assert other.stdout
        assert other.stdout.readline() == "held\n"
        answer = pool.submit(opened(server.url, deadline_s=0.2).ask, question(1), Said)
        said, until = "", time.monotonic() + 10
        while "another process" not in said and time.monotonic() < until:
            time.sleep(0.05)
            said += capsys.readouterr().err
        assert server.stats().requests == 0
        other.stdin.close()
        assert isinstance(answer.result(), Said)
    assert said.count("another process") == 1


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_proxy_that_the_environment_names_is_asked_in_place_of_the_endpoint(monkeypatch, variable):
    with running(Behaviour()) as server:
        assert server.stats().requests == 0  # urllib, which this takes, remembers which proxies there were at first
        monkeypatch.setenv(variable, server.url.removesuffix("/v1"))
        client = Client(settings("http://elsewhere.invalid/v1", retries=0))
        assert isinstance(client.ask(question(1), Said), Said)
        client.close()
        monkeypatch.setenv("NO_PROXY", "elsewhere.invalid")
        client = Client(settings("http://elsewhere.invalid/v1", retries=0))
        with pytest.raises(NoAnswerError):
            client.ask(question(2), Said)
        client.close()
        assert server.stats().requests == 1


def test_a_proxy_of_another_kind_is_told_without_its_password(monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "socks5://somebody:secret@127.0.0.1:1080")
    with pytest.raises(RmsError, match=r"^ALL_PROXY: only proxies that begin with http:// or https:// are used$"):
        Client(settings("http://elsewhere.invalid/v1"))


@pytest.mark.parametrize(
    "rest",
    ["se#cret@host:3128", "se/cret@host:3128", "12/secret@host", "secret@host:99999", "secret@", "secret@[::1"],
)
def test_a_proxy_that_is_no_address_is_told_without_its_password(monkeypatch, rest):
    monkeypatch.setenv("HTTP_PROXY", f"http://somebody:{rest}")
    with pytest.raises(RmsError, match=r"^HTTP_PROXY: should be like http://host:3128") as error:
        Client(settings("http://elsewhere.invalid/v1"))
    assert "cret" not in str(error.value)


@pytest.fixture
def unfriendly() -> Iterator[int]:
    """The port of a proxy that lets nobody through."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def refuse() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:  # the end of the test
                    return
                with connection:
                    connection.recv(65536)
                    connection.sendall(b"HTTP/1.1 407 Who are you?\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

        threading.Thread(target=refuse, daemon=True).start()
        yield int(listening.getsockname()[1])
        listening.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(("scheme", "why"), [("http", "HTTP 407; check user and password"), ("https", "407 Who are")])
def test_a_proxy_that_lets_nobody_through_ends_the_run_without_its_password(
    opened, monkeypatch, unfriendly, scheme, why
):
    monkeypatch.setenv(f"{scheme.upper()}_PROXY", f"http://somebody:hunter2@127.0.0.1:{unfriendly}")
    client = opened(f"{scheme}://elsewhere.invalid/v1")
    with pytest.raises(RmsError, match=why) as error:
        client.ask(question(1), Said)
    assert "hunter2" not in str(error.value)


def test_what_is_in_flight_when_a_client_is_closed_comes_back():
    with running(Behaviour(latency_s=0.5)) as server:
        client = Client(settings(server.url))
        heard: list[Said] = []
        asking = threading.Thread(target=lambda: heard.append(client.ask(question(1), Said)), daemon=True)
        asking.start()
        until = time.monotonic() + 10
        while server.stats().requests < 1 and time.monotonic() < until:
            time.sleep(0.01)
        client.close()
        asking.join(10)
    assert len(heard) == 1
