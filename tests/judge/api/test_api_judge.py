"""A judge behind an endpoint: what it asks, what it makes of the answers, what it keeps."""

import contextlib
import json
import sqlite3
from collections.abc import Callable

import numpy as np
import pytest
from api_settings import UNSAFE, settings
from endpoint_project import ROOT, files_with_the_key
from fault_server import Behaviour, Server
from test_embedded_judge import photo

import rms.judge
from rms.assistant import Books
from rms.assistant.openai.client import Client
from rms.assistant.openai.request import Request
from rms.errors import RmsError
from rms.judge import Example, Query
from rms.judge.answered import check_answered
from rms.judge.api import ApiJudge
from rms.judge.api.forms import form_of
from rms.judge.api.view import view_of
from rms.judge.interface import Modality

Make = Callable[..., ApiJudge]


@pytest.fixture
def make(server: Server) -> Make:
    """An untrained judge that asks the server, by overrides of conf/judge/api.yaml."""

    def made(*overrides: str, modality: Modality = "full", books: Books | None = None) -> ApiJudge:
        return ApiJudge.untrained(modality, settings(server.url, *overrides), books)

    return made


@pytest.fixture(scope="module")
def cat() -> bytes:
    return photo("chelsea.png")


def queries(image: bytes, count: int = 4) -> list[Query]:
    return [Query((image,), f"May I leave item-{number} here?") for number in range(count)]


def sent(server: Server) -> int:
    return server.stats().requests


def test_probabilities_come_from_the_first_token_and_nothing_is_asked_twice(server, make, cat):
    asked = queries(cat)
    scores = make().p_unsafe(asked)
    assert scores == pytest.approx(np.full(4, 0.8))
    assert sent(server) == 4
    assert np.array_equal(make().p_unsafe(asked), scores)
    assert sent(server) == 4


@pytest.mark.parametrize("overrides", [["judge.logprobs=0"], []])
def test_without_probabilities_the_verdict_counts(server, make, cat, overrides):
    server.behave(Behaviour(instead={"OK": "unsafe"}, no_logprobs=True))
    assert make(*overrides).p_unsafe(queries(cat)).tolist() == [1.0] * 4


def test_an_endpoint_that_tells_fewer_probabilities_is_asked_for_fewer(server, make, cat, monkeypatch):
    monkeypatch.setattr("rms.assistant.openai.troubles._FEW_LOGPROBS", 1)
    server.behave(Behaviour(instead={"OK": "unsafe"}, first_tokens={"unsafe": 0.8, "safe": 0.2}, no_logprobs=True))
    judge = make("judge.concurrency=1")
    assert judge.p_unsafe(queries(cat, 3)).tolist() == [1.0] * 3
    assert [one.status for one in server.log()] == [400, 400, 200, 200, 200]


@pytest.mark.parametrize(
    ("answer", "why"),
    [(Behaviour(instead={"OK": "I cannot say."}), "unclear"), (Behaviour(share_refusal=1.0), "refused")],
)
def test_no_verdict_is_counted_kept_and_not_asked_for_again(server, make, cat, answer, why):
    server.behave(answer)
    judge = make()
    assert np.isnan(judge.p_unsafe(queries(cat))).all()
    assert judge.without_verdict == {why: 4}
    before = sent(server)
    assert np.isnan(make().p_unsafe(queries(cat))).all()
    assert sent(server) == before


def test_questions_without_an_answer_are_asked_again_by_the_next_run(server, make, cat):
    server.behave(Behaviour(share_500=1.0))
    judge = make("judge.retries=0")
    assert np.isnan(judge.p_unsafe(queries(cat))).all()
    assert judge.without_verdict == {"unanswered": 4}
    with pytest.raises(RmsError, match=r"finetune: no verdict on 4 of 4 queries \(4 unanswered\).*HTTP 500") as error:
        check_answered(judge, "finetune", 0.5)
    assert "\n" not in str(error.value)
    server.behave(UNSAFE)
    assert make("judge.retries=0").p_unsafe(queries(cat)) == pytest.approx(np.full(4, 0.8))


def test_refusals_are_told_and_end_nothing(server, make, cat, capsys):
    server.behave(Behaviour(share_refusal=1.0))
    judge = make()
    judge.p_unsafe(queries(cat, 2))
    check_answered(judge, "evaluate: full", 0.0)
    assert capsys.readouterr().err == "evaluate: full: no verdict on 2 of 2 queries (2 refused)\n"


def test_fitting_chooses_the_threshold_among_the_rows_with_a_verdict(server, make, cat, tmp_path):
    server.behave(Behaviour(share_refusal=0.3, instead={"OK": "safe"}, first_tokens={"safe": 0.8, "unsafe": 0.2}))
    rows = [Example(query, number % 2) for number, query in enumerate(queries(cat, 40))]
    judge = make()
    judge.fit([], rows)
    assert 0 < judge.without_verdict["refused"] < 40
    assert judge.threshold == 0.5
    judge.threshold = 0.125
    judge.save(tmp_path)
    loaded = rms.judge.load(tmp_path)
    assert isinstance(loaded, ApiJudge)
    assert loaded.threshold == 0.125
    asked = [row.query for row in rows]
    before = sent(server)
    assert np.array_equal(loaded.p_unsafe(asked), judge.p_unsafe(asked), equal_nan=True)
    assert sent(server) == before
    assert json.loads((tmp_path / "judge.json").read_text())["kind"] == "api"


def test_the_key_is_in_no_file(make, cat, tmp_path):
    judge = make()
    judge.p_unsafe(queries(cat))
    (tmp_path / "judge").mkdir()
    judge.save(tmp_path / "judge")
    assert files_with_the_key(tmp_path) == []


def test_the_twins_are_shown_one_modality(cat):
    query = Query((cat,), "May I leave chocolate here?", "Yes.")
    text = view_of(query, "text_only", vision=True)
    image = view_of(query, "image_only", vision=True)
    assert (text.images, text.text, text.response) == ((), "May I leave chocolate here?", "Yes.")
    assert (image.images, image.text, image.response) == ((cat,), "(nothing)", "")
    assert "cat" not in text.pictures


def test_a_model_without_vision_is_told_what_a_classifier_sees(cat):
    seen = view_of(Query((cat,), "May I leave chocolate here?"), "full", vision=False)
    assert seen.images == ()
    assert "cat" in seen.pictures


def asked_by(form: str, policy: str, query: Query, logprobs: int = 20) -> dict[str, Request]:
    return dict(form_of(form, policy, logprobs, "policy").questions(view_of(query, "full", vision=True)))


def test_each_form_asks_as_its_models_want_to_be_asked(cat):
    policy = (ROOT / "conf/policy/default.md").read_text()
    rules = (ROOT / "conf/policy/shieldgemma.md").read_text()
    query = Query((cat,), "May I leave chocolate here?", "Sure, go on.")

    words = asked_by("words", policy, query)[""]
    assert words.messages[0].images == (cat,)
    assert "allergy: food, fur" in words.messages[0].text
    assert (words.schema, words.logprobs) == (None, 20)

    as_json = asked_by("json", policy, query)[""]
    assert as_json.schema is not None
    assert as_json.logprobs == 0

    guard = asked_by("llama_guard", "", query)[""]
    assert [(turn.role, turn.text) for turn in guard.messages] == [("user", query.text), ("assistant", query.response)]

    shields = asked_by("shieldgemma", rules, query)
    assert sorted(shields) == ["dangerous_content", "sexually_explicit", "violence_gore"]
    texts = {request.messages[0].text for request in shields.values()}
    assert len(texts) == 3

    llava = asked_by("llavaguard", (ROOT / "conf/policy/llavaguard.md").read_text(), query)[""]
    assert "O5: Criminal Planning" in llava.messages[0].text
    for asked in (words, as_json, llava, *shields.values()):
        assert query.text in asked.messages[0].text
        assert query.response in asked.messages[0].text
        assert not {"{policy}", "{request}", "{pictures}"} & {*asked.messages[0].text.split()}


def test_rules_are_asked_one_by_one_and_named_with_their_scores(server, make, cat):
    server.behave(Behaviour(instead={"OK": "Yes"}, first_tokens={"Yes": 0.6, "No": 0.2}))
    (opinion,) = make("judge=shieldgemma", "judge.api_key_env=TEST_KEY").opinions(queries(cat, 1))
    assert opinion.p_unsafe == pytest.approx(0.75)
    assert set(opinion.categories) == {"dangerous_content", "sexually_explicit", "violence_gore"}
    assert sent(server) == 3


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("judge.policy=null", "needs a policy"),
        ("judge.policy=nowhere.md", "nowhere.md: the policy .judge.policy. cannot be read"),
        ("judge.policy=conf/policy/llavaguard.md", "conf/policy/llavaguard.md: no line for the category 'allergy'"),
        ("judge.logprobs=40", "judge.logprobs = 40"),
        ("judge.form=prose", "judge.form = 'prose'"),
    ],
)
def test_a_wrong_setting_is_one_line(make, override, message):
    with pytest.raises(RmsError, match=message) as error:
        make(override)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        (Behaviour(status_401=True), "check the key in TEST_KEY"),
        (Behaviour(unknown_model_404=True), "check judge.base_url and judge.model .mock."),
        (Behaviour(no_vision=True), "mock takes no images: set judge.vision=false"),
    ],
)
def test_what_every_question_would_meet_is_one_line_that_names_the_judges_setting(
    server, make, cat, behaviour, message
):
    server.behave(behaviour)
    with pytest.raises(RmsError, match=message):
        make().p_unsafe(queries(cat))


def test_the_budget_is_for_judges_too(server, make, cat):
    price = ["judge.price={input: 1000.0, output: 1000.0}", "judge.concurrency=1"]
    with pytest.raises(RmsError, match=r"budget_usd = 0\.5"):
        make(*price, books=Books(0.5)).p_unsafe(queries(cat, 8))
    assert 0 < sent(server) < 8
    books = Books()
    make(*price, books=books).p_unsafe(queries(cat, 2))
    assert books.spending().answers == 2


def test_a_saved_judge_that_was_damaged_is_one_line(make, tmp_path):
    make().save(tmp_path)
    (tmp_path / "policy.md").unlink()
    with pytest.raises(RmsError, match=r"policy\.md"):
        rms.judge.load(tmp_path)
    (tmp_path / "judge.json").write_text('{"kind": "api"}')
    with pytest.raises(RmsError, match=r"judge\.json.*modality"):
        rms.judge.load(tmp_path)


def test_probabilities_asked_for_are_part_of_what_an_answer_is_kept_under(server, make, cat):
    make("judge.logprobs=20").p_unsafe(queries(cat, 1))
    make("judge.logprobs=0").p_unsafe(queries(cat, 1))
    assert sent(server) == 2


def test_what_is_kept_holds_the_probabilities(make, cat, tmp_path):
    make().p_unsafe(queries(cat, 1))
    with contextlib.closing(sqlite3.connect(tmp_path / "cache/responses/answers.sqlite")) as cache:
        ((text,),) = cache.execute("SELECT text FROM answers").fetchall()
    kept = json.loads(text)
    assert kept["text"] == "unsafe"
    assert [token for token, _ in kept["first"]] == ["unsafe", "safe"]


def test_a_judge_that_is_gone_has_closed_its_connections(make, cat):
    judge = make()
    judge.p_unsafe(queries(cat, 1))
    client = judge._opened
    assert isinstance(client, Client)
    del judge
    assert client._loop.is_closed()
