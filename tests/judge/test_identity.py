"""The hash that says which judge a score is of."""

import pytest

from rms.errors import RmsError
from rms.judge import Example, Query
from rms.judge.identity import identify, read_identity
from rms.store import write_json

TRAIN = [Example(Query((b"",), "t"), label) for label in (1, 0, 1)]
CARD = {"kind": "embedded", "modality": "full", "threshold": 0.4, "encoder": "MiniLM", "encoder_sha256": "ab" * 32}


def identity(folder, settings=None, seed=0, train=TRAIN, **changed):
    write_json(folder / "judge.json", CARD | changed)
    return identify(folder, settings or {"lr": 0.1, "epochs": 2}, seed, train)


def test_it_names_base_revision_seed_and_training_rows(tmp_path):
    found = identity(tmp_path, seed=3)
    assert (found.kind, found.base, found.revision, found.seed) == ("embedded", "MiniLM", "ab" * 6, 3)
    assert (found.rows, found.unsafe) == (3, 2)
    assert len(found.hash) == 10


def test_judges_made_alike_have_one_hash_whatever_they_learned(tmp_path):
    first = identity(tmp_path)
    assert identity(tmp_path, threshold=0.9, files={"a": 1}, train=TRAIN[:1]).hash == first.hash
    assert identity(tmp_path, {"epochs": 2, "lr": 0.1}).hash == first.hash


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"settings": {"lr": 0.2, "epochs": 2}},
        {"encoder_sha256": "cd" * 32},
        {"encoder": "other"},
        {"policy": "1"},
    ],
)
def test_judges_made_otherwise_have_another(tmp_path, change):
    assert identity(tmp_path, **change).hash != identity(tmp_path).hash


def test_a_base_model_is_named_by_its_card(tmp_path):
    found = identity(tmp_path, kind="vlm", base="owner/model", revision="0123456789abcdef")
    assert (found.kind, found.base, found.revision) == ("vlm", "owner/model", "0123456789ab")


def test_a_missing_identity_is_named(tmp_path):
    with pytest.raises(RmsError, match=r"identity\.json: not found"):
        read_identity(tmp_path)
