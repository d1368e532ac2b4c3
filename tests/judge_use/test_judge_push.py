"""Judges to the Hub and from it, over a small server of our own that speaks its routes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from test_embedded_judge import CHOCOLATE

import rms.judge
from fake_hub import Repo, fake_hub
from rms.errors import RmsError
from rms.judge_use.card import judge_card
from rms.judge_use.publishing import publish, publishable

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "hf_a-token-of-nobody"
FOLDER = Path("models/judge/rms/0/full")


def run(*arguments: str | Path, at: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """`rms judge` in a process of its own: the Hub's library reads its address when it is imported."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    hub = {"HF_ENDPOINT": at, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1", "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-m", "rms", "judge", *map(str, arguments)]
    return subprocess.run(command, env=kept | hub | environment, capture_output=True, text=True, check=False)


def test_a_judge_that_was_pushed_judges_alike_where_it_is_fetched(project):
    (expected,) = rms.judge.load(FOLDER).p_unsafe([("cat.jpg", CHOCOLATE[0])])
    with fake_hub({}) as hub:
        pushed = run("push", FOLDER, "somebody/a-judge", at=hub.address, home=project / "home", HF_TOKEN=TOKEN)
        assert (pushed.returncode, pushed.stderr) == (0, "")
        assert pushed.stdout.startswith(f"{hub.address}/somebody/a-judge/commit/")
        assert hub.tokens == {f"Bearer {TOKEN}"}
        there = hub.repos["somebody/a-judge"].files
        assert sorted(there) == ["README.md", "config.json", "elements.yaml", "judge.json", "model.safetensors"]
        assert not any(TOKEN.encode() in content for content in there.values())
        there["evil.bin"] = there["code.py"] = b"not asked for"
        query = ["--image", "cat.jpg", "--text", CHOCOLATE[0], "--json", "--judge", "somebody/a-judge"]
        fetched = run(*query, at=hub.address, home=project / "home")
        assert fetched.returncode == 0, fetched.stderr
        missing = run(*query[:-1], "somebody/nothing", at=hub.address, home=project / "home")
    assert json.loads(fetched.stdout)["p_unsafe"] == pytest.approx(expected, abs=1e-5)
    assert not [*(project / "home").rglob("evil.bin"), *(project / "home").rglob("code.py")]
    assert "somebody/nothing: no such folder, and the Hub shows no such judge" in missing.stderr
    assert missing.stderr.count("\n") == 1
    offline = run(*query, at="http://127.0.0.1:9", home=project / "home", HF_HUB_OFFLINE="1")
    assert offline.stdout == fetched.stdout


@pytest.mark.parametrize(
    ("card", "message"),
    [
        ({"kind": "api", "settings": {"api_key_env": "HOME"}}, "may not name an endpoint"),
        ({"kind": "vlm", "trust_remote_code": True}, "wants to run code"),
        ([], "its judge.json is no object"),
        (None, "holds no judge.json"),
    ],
)
def test_a_strangers_judge_may_only_judge(project, card, message):
    files = {"README.md": b"hello"} if card is None else {"judge.json": json.dumps(card).encode()}
    with fake_hub({"stranger/judge": Repo(files)}) as hub:
        query = ["--image", "cat.jpg", "--text", "a", "--judge", "stranger/judge"]
        told = run(*query, at=hub.address, home=project / "home")
    assert (told.returncode, told.stdout, told.stderr.count("\n")) == (1, "", 1)
    assert message in told.stderr


@pytest.mark.usefixtures("project")
def test_the_card_says_what_the_run_found():
    card = judge_card(FOLDER, "somebody/a-judge")
    _, header, body = card.split("---\n", 2)
    assert "rms-judge" in yaml.safe_load(header)["tags"]
    assert "| `rms`\\* | 40 | auroc | 0.900 [0.800, 0.900] | 0.600 [0.500, 0.600] | 0.500 [0.400, 0.500] | 3 |" in body
    assert "| `a/b` | 40 | detection rate | undefined" in body
    assert "`rms`: 24 rows, 12 of them unsafe" in body
    assert "Mean AUROC over the other two-class datasets: 0.700 [0.600, 0.700]" in body
    assert "95% intervals from 100 bootstrap resamples" in body
    for heading in ("## Results", "## Limits", "## Policy"):
        assert heading in body
    assert "{{" not in card


def test_the_card_of_a_judge_of_others_data_claims_nothing_of_ours(project):
    ours = judge_card(FOLDER, "a/b")
    for place in ("models/judge", "reports/eval"):
        (project / place / "rms").rename(project / place / "vlguard")
    theirs = judge_card(Path("models/judge/vlguard/0/full"), "a/b")
    for said in ("starts\nfrom safe photographs", "an assistant's verdicts", "near chance. Short English\n  texts"):
        assert said in ours
        assert said not in theirs
    assert "the training split of a\ndataset of others" in theirs
    assert "near chance.\n- It is meant" in theirs


def test_a_policy_that_is_saved_with_the_judge_is_on_its_card(project):
    (project / FOLDER / "policy.md").write_text("- fire: flames come near what burns\n")
    assert judge_card(FOLDER, "a/b").rstrip().endswith("- fire: flames come near what burns")


def test_scores_of_another_judge_do_not_go_on_the_card(project):
    identity = project / "models/judge/rms/0/identity.json"
    identity.write_text(identity.read_text().replace('"seed": 0', '"seed": 1'))
    with pytest.raises(RmsError, match=r"metrics\.json: is of another judge than .*run `dvc repro evaluate`"):
        judge_card(FOLDER, "a/b")


def test_a_dry_run_writes_the_card_and_lists_the_files(project):
    told = run("push", FOLDER, "a/b", "--dry-run", at="http://127.0.0.1:9", home=project / "home")
    assert (told.returncode, told.stderr) == (0, "")
    assert [line.split()[1].rstrip(",") for line in told.stdout.splitlines()] == [
        "config.json", "elements.yaml", "judge.json", "model.safetensors", "README.md",
    ]  # fmt: skip
    assert (project / "judge-card.md").read_text() == judge_card(FOLDER, "a/b")
    assert not (project / FOLDER / "README.md").exists()


@pytest.mark.parametrize("name", ["pytorch_model.bin", "weights.pkl", "code.py", "training_args.pt", ".env"])
def test_nothing_but_weights_and_text_is_uploaded(project, name):
    (project / FOLDER / name).write_text("x")
    with pytest.raises(RmsError, match=f"{name}: is not uploaded"):
        publishable(project / FOLDER)


def test_links_are_not_uploaded(project):
    (project / FOLDER / "secret.json").symlink_to(project / "cat.jpg")
    with pytest.raises(RmsError, match=r"secret\.json: is not uploaded"):
        publishable(project / FOLDER)


def test_without_a_token_or_a_name_nothing_is_sent(monkeypatch):
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with pytest.raises(RmsError, match="HF_TOKEN: no token"):
        publish({}, "a/b", private=False)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    for name in ("a", "a/b/c", "a/b@main", "../b c"):
        with pytest.raises(RmsError, match="no name of a repository"):
            publish({}, name, private=False)
