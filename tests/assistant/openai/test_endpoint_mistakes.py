"""What can be wrong with an endpoint, its key or its cache, as whoever runs a stage meets it: one line and no loss."""

import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from endpoint_project import KEY, NOWHERE, configure, contents, do, files_with_the_key, stage
from fault_server import Behaviour, Server, running

from rms.records import TextReject
from rms.store import read_jsonl


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running(Behaviour()) as started:
        yield started


def mistake(outcome: subprocess.CompletedProcess[str]) -> str:
    """The line that a stage ended with."""
    assert outcome.returncode == 1, outcome.stderr
    assert outcome.stderr.startswith("rms: ")
    assert outcome.stderr.count("\n") == 1
    assert not Path("data/patterns").exists()
    return outcome.stderr


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        (Behaviour(status_401=True), "HTTP 401: Incorrect API key provided.; check the key in TEST_KEY"),
        (Behaviour(status_401=True, echo_key=True), "HTTP 401: Bearer *** was told: "),
        (Behaviour(unknown_model_404=True), "check assistant.base_url and assistant.model (gpt-4o)"),
        (Behaviour(html=True), "answers text/html; charset=utf-8 instead of JSON; should it end in /v1?"),
        (Behaviour(no_vision=True), "gpt-4o takes no images: set assistant.vision=false"),
    ],
)
def test_an_endpoint_that_answers_nobody_ends_the_stage(
    server: Server, project: Path, behaviour: Behaviour, message: str
) -> None:
    server.behave(behaviour)
    configure(server.url)
    line = mistake(stage("patterns"))
    assert f"{server.url}: " in line
    assert message in line
    assert KEY not in line
    assert files_with_the_key(project) == []


@pytest.mark.usefixtures("project")
def test_an_endpoint_that_is_not_there_ends_the_stage() -> None:
    configure(NOWHERE)
    assert f"{NOWHERE}: cannot be reached" in mistake(stage("patterns"))


@pytest.mark.usefixtures("project")
def test_without_a_key_nothing_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    configure(NOWHERE)
    monkeypatch.delenv("TEST_KEY")
    assert "TEST_KEY: no key in this environment variable" in mistake(stage("patterns"))


@pytest.mark.usefixtures("project")
def test_a_budget_without_a_price_is_refused() -> None:
    configure(NOWHERE, "budget_usd=1.0", price="null")
    assert "budget_usd is set, but the model's price is not known" in mistake(stage("patterns"))


def test_errors_that_repeat_the_key_carry_it_into_no_file(server: Server, project: Path) -> None:
    server.behave(Behaviour(share_500=0.3, share_503=0.1, echo_key=True))
    configure(server.url, "max_failure_rate=1.0", retries=0)
    said = do("patterns")
    rows = read_jsonl(Path("data/patterns/rejects.jsonl"), TextReject)
    assert any("Bearer *** was told" in row.detail for row in rows)
    assert KEY not in said
    assert files_with_the_key(project) == []


@pytest.mark.usefixtures("project")
def test_a_cache_with_flipped_bytes_costs_a_few_questions_and_changes_nothing(server: Server) -> None:
    server.behave(Behaviour(), forget=True)
    configure(server.url)
    do("patterns")
    first, asked = contents("data"), server.stats().requests
    cache = Path("cache/responses/answers.sqlite")
    content = bytearray(cache.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4096] = bytes(byte ^ 0xFF for byte in content[middle : middle + 4096])
    cache.write_bytes(content)
    do("patterns")
    assert asked < server.stats().requests < 2 * asked
    assert contents("data") == first


_ROOM = "mount -t tmpfs -o size=96k none cache/responses"


@pytest.mark.skipif(
    shutil.which("unshare") is None or subprocess.run(["unshare", "-rm", "true"], check=False).returncode != 0,
    reason="a small disk of its own needs user namespaces",
)
@pytest.mark.usefixtures("project")
def test_on_a_full_disk_the_stage_ends_and_with_more_room_it_goes_on_where_it_was(server: Server) -> None:
    server.behave(Behaviour(), forget=True)
    configure(server.url, "generate.workers=1", concurrency=1)
    Path("cache/responses").mkdir()
    run = f"{sys.executable} -m rms stage patterns"
    script = f"{_ROOM} && ({run}; echo $? >first) && mount -o remount,size=8m none cache/responses && {run}"
    outcome = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script], capture_output=True, text=True, timeout=120, check=False
    )
    assert outcome.returncode == 0, outcome.stderr
    assert Path("first").read_text() == "1\n"
    assert outcome.stderr.count("\n") == 1
    assert "full" in outcome.stderr
    sent = [one.digest for one in server.log()]
    (without_room,) = [digest for digest, times in Counter(sent).items() if times > 1]
    assert sent.index(without_room) > 2  # those before it were kept
    assert sent.count(without_room) == 2
    assert read_jsonl(Path("data/patterns/rejects.jsonl"), TextReject) == []
