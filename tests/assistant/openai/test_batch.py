"""Questions asked by batches, over a real client and a batches API in another process."""

import json
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from fault_server import Behaviour, Server, Stats, running

from rms.assistant import Books, NoAnswerError, WaitsError
from rms.assistant.openai.answers import TextAnswer, json_schema
from rms.assistant.openai.assistant import OpenAIAssistant
from rms.assistant.openai.client import Client
from rms.assistant.openai.request import Answer, Message, Request, Usage
from rms.assistant.openai.response_cache import ResponseCache
from rms.assistant.rounds import PendingError, in_rounds
from rms.cache import cache_folder
from rms.errors import RmsError
from rms.params import Batch, Price, SentImage
from rms.params import OpenAIAssistant as Settings

KEY = "sk-not-a-real-key-0123456789"
PRICE = Price(input=1.0, output=2.0)
Outcome = TextAnswer | NoAnswerError


@pytest.fixture(autouse=True)
def a_cache_and_a_key(tmp_path, monkeypatch):
    monkeypatch.setenv("RMS_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("TEST_KEY", KEY)


def settings(url: str, **batch: object) -> Settings:
    chosen = {"least": 1, "rounds": 20, "max_requests": 1000, "max_mb": 1.0, "poll_s": 0.02, "price_factor": 0.5}
    return Settings(
        kind="openai", base_url=url, model="some-model", api_key_env="TEST_KEY", vision=False, language="English",
        votes=1, answers="json_schema", temperature=0.0, top_p=None, seed=0, max_tokens=100,
        max_tokens_name="max_tokens", image=SentImage(detail="low", side=512, quality=90), headers={}, body={},
        timeout_s=5.0, deadline_s=5.0, retries=6, concurrency=8, rpm=None, tpm=None, price=PRICE, mode="batch",
        batch=Batch.model_validate(chosen | batch),
    )  # fmt: skip


def question(number: int) -> Request:
    return Request("test", [Message("user", f"Word item-{number}")], json_schema(TextAnswer))


def asked(client: Client, numbers: Iterable[int]) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for number in numbers:
        try:
            outcomes.append(client.ask(question(number), TextAnswer))
        except NoAnswerError as error:
            outcomes.append(error)
    return outcomes


class Run:
    """What a stage does: ask in rounds, with books of its own in each."""

    def __init__(self, chosen: Settings, work: Callable[[Client], list[Outcome]], budget_usd: float | None = None):
        self.rounds = 0
        self.outcomes: list[Outcome] = []

        def run() -> None:
            self.rounds += 1
            self.client = Client(chosen, Books(budget_usd))
            self.outcomes = work(self.client)
            waiting = self.client.settle()
            if waiting:
                raise PendingError([waiting])
            self.client.close()

        in_rounds(run)

    @property
    def good(self) -> bool:
        return all(isinstance(outcome, TextAnswer) for outcome in self.outcomes)

    def accounts_for(self, books: Stats) -> bool:
        """Whether the endpoint counted the same tokens."""
        took = self.client.ledger.report()
        return (took.input_tokens, took.output_tokens) == (books.input_tokens, books.output_tokens)


def run(server: Server, numbers: Iterable[int], **batch: object) -> Run:
    return Run(settings(server.url, **batch), lambda client: asked(client, numbers))


def test_what_one_batch_answers_costs_half_and_nothing_again():
    with running(Behaviour(batch_s=0.1)) as server:
        first = run(server, range(30))
        again = run(server, range(30))
        books = server.stats()
    assert first.good
    assert again.outcomes == first.outcomes
    assert (books.requests, books.batches, len(books.batched), first.rounds, again.rounds) == (0, 1, 30, 2, 1)
    assert first.accounts_for(books)
    assert first.client.ledger.report() == again.client.ledger.report()
    whole = (books.input_tokens * PRICE.input + books.output_tokens * PRICE.output) / 1e6
    assert first.client.ledger.report().cost_usd == pytest.approx(whole / 2)


def test_a_question_waits_once_however_often_it_is_asked():
    with running(Behaviour()) as server:
        client = Client(settings(server.url))
        for _ in range(3):
            with pytest.raises(WaitsError):
                client.ask(question(1), TextAnswer)
        waiting = client.settle()
        assert waiting
        waiting.submit()
        assert len(server.stats().batched) == 1


def test_questions_that_follow_from_others_are_asked_in_later_rounds():
    def work(client: Client) -> list[Outcome]:
        first = asked(client, range(10))
        return asked(client, [10 + index for index, answer in enumerate(first) if isinstance(answer, TextAnswer)])

    with running(Behaviour()) as server:
        deep = Run(settings(server.url), work)
        assert (len(deep.outcomes), deep.good, deep.rounds, server.stats().batches) == (10, True, 3, 2)


@pytest.mark.parametrize("limit", [{"max_requests": 10}, {"max_mb": 0.006}])
def test_files_are_no_larger_than_they_may_be(limit):
    with running(Behaviour()) as server:
        assert run(server, range(30), **limit).good
        books = server.stats()
    assert books.batches >= 3
    assert Counter(books.batched).most_common(1)[0][1] == 1


def test_few_questions_and_those_after_the_last_round_are_asked_online():
    with running(Behaviour()) as server:
        few = run(server, range(9), least=10)
        assert (few.good, few.rounds, server.stats().requests, server.stats().batches) == (True, 2, 9, 0)

        def work(client: Client) -> list[Outcome]:
            first = asked(client, range(10, 20))
            return asked(client, [20 + index for index, answer in enumerate(first) if isinstance(answer, TextAnswer)])

        server.behave(Behaviour(), forget=True)
        last = Run(settings(server.url, rounds=1), work)
        assert (last.good, server.stats().requests, len(server.stats().batched)) == (True, 10, 10)


@pytest.mark.parametrize("behaviour", [Behaviour(batch_expired_items=0.4), Behaviour(batch_expires=True)])
def test_what_expired_is_asked_online_and_the_rest_is_not(behaviour):
    with running(behaviour) as server:
        outcome = run(server, range(30))
        books = server.stats()
    assert outcome.good
    assert 3 < books.requests < 27
    assert len(books.batched) == 30
    assert outcome.accounts_for(books)
    plain = (books.input_tokens * PRICE.input + books.output_tokens * PRICE.output) / 1e6
    assert plain / 2 < outcome.client.ledger.report().cost_usd < plain


def test_what_failed_or_came_back_malformed_is_asked_online_and_all_of_it_is_in_the_books():
    faults = Behaviour(share_500=0.15, share_truncated_json=0.15, share_wrong_schema=0.15, share_empty=0.15)
    behaviours = iter([faults, Behaviour()])

    def work(client: Client) -> list[Outcome]:
        server.behave(next(behaviours))
        return asked(client, range(30))

    with running(Behaviour()) as server:
        outcome = Run(settings(server.url), work)
        again = run(server, range(30))
        books = server.stats()
    assert outcome.good
    assert books.requests > 3
    assert outcome.accounts_for(books)
    assert again.client.ledger.report().cost_usd == outcome.client.ledger.report().cost_usd


@pytest.mark.parametrize(
    ("behaviour", "why"), [(Behaviour(share_refusal=1.0), "refused"), (Behaviour(batch_400=True), "HTTP 400: Unsupp")]
)
def test_what_is_refused_is_no_answer_and_is_not_asked_online(behaviour, why):
    with running(behaviour) as server:
        outcome = run(server, range(5))
        books = server.stats()
    assert [str(error)[: len(why)] for error in outcome.outcomes] == [why] * 5
    assert not any(isinstance(error, WaitsError) for error in outcome.outcomes)
    assert books.requests == 0
    assert outcome.accounts_for(books)


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        (Behaviour(batch_fails="model_not_found"), "batch batch_0002 failed: Not so: model_not_found"),
        (Behaviour(batch_fails="token_limit_exceeded"), "may not enqueue as many tokens; lower assistant.batch"),
        (Behaviour(no_batches=True), "has no batches API; set assistant.mode=online"),
        (Behaviour(status_401=True), "check the key in TEST_KEY"),
        (Behaviour(html=True), "does not answer as a batches API"),
    ],
)
def test_a_batch_that_cannot_be_is_one_line(behaviour, message):
    with running(behaviour) as server:
        with pytest.raises(RmsError) as error:
            run(server, range(5))
        assert message in str(error.value)
        assert "\n" not in str(error.value)
        assert KEY not in str(error.value)
        server.behave(Behaviour())
        assert run(server, range(5)).good


def test_what_finds_no_room_is_sent_when_the_others_are_done():
    with running(Behaviour(batch_room=1, batch_s=0.1)) as server:
        outcome = run(server, range(30), max_requests=10, rounds=1)
        books = server.stats()
    assert outcome.good
    assert (books.requests, len(books.batched)) == (0, 30)


def test_a_cancelled_batch_keeps_what_it_had_and_asks_nothing_online():
    def cancel() -> None:
        while not server.stats().batches:
            pass
        urllib.request.urlopen(f"{server.url}/batches/batch_0002/cancel", data=b"", timeout=30).close()

    with running(Behaviour(batch_s=60)) as server:
        canceller = threading.Thread(target=cancel)
        canceller.start()
        with pytest.raises(RmsError, match="batch_0002 cancelled: the answers it had are kept"):
            run(server, range(30))
        canceller.join()
        server.behave(Behaviour())
        assert run(server, range(30)).good
        assert (server.stats().requests, len(server.stats().batched)) == (0, 45)


def test_a_small_rest_of_one_part_of_a_stage_does_not_send_the_next_part_online():
    url = ""

    def run_of_a_stage() -> None:
        client = Client(settings(url, least=5))
        for part in (range(2), range(10, 20)):
            asked(client, part)
            waiting = client.settle()
            if waiting:
                raise PendingError([waiting])
        client.close()

    with running(Behaviour()) as server:
        url = server.url
        in_rounds(run_of_a_stage)
        assert (server.stats().requests, len(server.stats().batched)) == (2, 10)


def test_a_refusal_is_in_the_books_once_however_often_it_is_asked_for():
    with running(Behaviour(share_refusal=1.0)) as server:
        outcome = Run(settings(server.url), lambda client: asked(client, [1, 1, 1]))
        assert outcome.accounts_for(server.stats())


def test_a_batch_whose_beginning_was_not_answered_is_found_and_not_begun_again():
    with running(Behaviour(batch_lost_answer=True)) as server:
        assert run(server, range(5)).good
        assert server.stats().batches == 1


def test_a_batch_that_is_not_known_is_not_paid_for_again_unless_one_says_so():
    with running(Behaviour(batch_s=60)) as server:
        client = Client(settings(server.url))
        asked(client, range(5))
        client.settle().submit()
        note = next((cache_folder() / "batches").glob("*.json"))
        note.write_text(note.read_text().replace("batch_0002", "batch_gone"))
        server.behave(Behaviour())
        with pytest.raises(RmsError, match=f"batch_gone is not known; use the key .* or remove {note}"):
            run(server, range(5), max_requests=999)  # other settings: nothing is known of the first run
        note.unlink()
        assert run(server, range(5), max_requests=998).good


def test_a_damaged_note_is_passed_over_and_cannot_name_another_address(caplog):
    folder = cache_folder() / "batches"
    folder.mkdir(parents=True)
    (folder / "broken.json").write_text("{")
    name = "0" * 32
    hostile = {"version": 1, "name": name, "endpoint": "x", "model": "x", "file_id": "f", "questions": {}}
    (folder / f"{name}.json").write_text(json.dumps({**hostile, "batch_id": "../files/f"}))
    with running(Behaviour()) as server:
        assert run(server, range(5)).good
    assert "broken.json: passed over" in caplog.text
    assert f"{name}.json: passed over" in caplog.text


def test_the_budget_bounds_what_is_sent():
    with running(Behaviour()) as server:
        with pytest.raises(RmsError, match="budget_usd") as error:
            Run(settings(server.url), lambda client: asked(client, range(200)), budget_usd=0.006)
        books = server.stats()
        spent = (books.input_tokens * PRICE.input + books.output_tokens * PRICE.output) / 2e6
        assert 10 < len(books.batched) < 200
        assert spent <= 0.006
        assert "raise the budget" in str(error.value)
        assert Run(settings(server.url), lambda client: asked(client, range(200)), budget_usd=1.0).good
        assert len(server.stats().batched) == len(set(server.stats().batched)) == 200


def test_what_turned_out_not_to_be_needed_is_in_the_books():
    rounds = iter([range(20), range(15), range(15)])
    with running(Behaviour()) as server:
        outcome = Run(settings(server.url), lambda client: asked(client, next(rounds)))
        assert len(outcome.outcomes) == 15
        assert outcome.accounts_for(server.stats())


def test_what_is_said_while_it_waits_names_the_batch_and_counts(capfd):
    with running(Behaviour(batch_s=0.4)) as server:
        run(server, range(12))
    said = capfd.readouterr().err
    assert f"rms: batch batch_0002: 12 questions sent to {server.url}" in said
    assert "of 12 questions done; end this at will and run again later, the batch goes on and will be found" in said
    assert "rms: batch batch_0002: completed, 12 of 12 questions done\n" in said
    assert KEY not in said


def test_nothing_of_the_key_is_kept_and_nothing_remains_of_what_is_done():
    with running(Behaviour()) as server:
        client = Client(settings(server.url))
        asked(client, range(5))
        waiting = client.settle()
        waiting.submit()
        files = [path for path in cache_folder().rglob("*") if path.is_file()]
        assert any(path.parent.name == "batches" and path.suffix == ".json" for path in files)
        assert not any(KEY.encode() in path.read_bytes() for path in files)
        waiting.collect()
        with pytest.raises(urllib.error.HTTPError, match="404"):  # the questions were taken back from the endpoint
            urllib.request.urlopen(f"{server.url}/files/file-0001/content", timeout=30)
    assert [path.name for path in (cache_folder() / "batches").iterdir()] == [".lock"]


def test_votes_wait_side_by_side():
    with running(Behaviour()) as server:
        client = Client(settings(server.url))
        with pytest.raises(WaitsError):
            OpenAIAssistant(client, votes=3).check_text("Is it?")
        client.settle().submit()
        assert len(server.stats().batched) == 3


def test_a_kept_answer_tells_which_of_its_tokens_came_at_the_price_of_a_batch(tmp_path: Path):
    plain, half, both = Usage(7, 8), Usage(7, 8, False, 7, 8), Usage(7, 8, True, 3, 4)
    rows = [(str(number) * 64, "m", Answer("{}", usage)) for number, usage in enumerate((plain, half, both))]
    with ResponseCache(tmp_path / "answers.sqlite") as kept:
        kept.put_many(rows)
        found = kept.get_many([key for key, _, _ in rows])
        assert [answer.usage for answer in found.values()] == [plain, half, both]
        assert kept.verify().removed == 0
        assert kept.stats().models[0].input_tokens == 21
