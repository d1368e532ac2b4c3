import pytest

from rms.errors import RmsError
from rms.judge.baselines import Majority
from rms.judge.interface import CARD, Example, Judge, Query, load
from rms.store import write_json

QUERY = Query((b"",), "text")


def test_the_majority_judge_says_the_share_it_was_trained_on(tmp_path):
    judge = Majority()
    assert isinstance(judge, Judge)
    judge.fit([Example(QUERY, 1), Example(QUERY, 0), Example(QUERY, 0), Example(QUERY, 0)], [])
    assert judge.p_unsafe([QUERY] * 3).tolist() == [0.25] * 3
    assert judge.p_unsafe([]).shape == (0,)
    judge.save(tmp_path)
    again = load(tmp_path)
    assert isinstance(again, Majority)
    assert (again.unsafe_share, again.threshold) == (0.25, 0.5)


def test_a_folder_without_a_judge_or_with_an_unknown_one_is_named(tmp_path):
    with pytest.raises(RmsError, match=r"judge\.json: not found"):
        load(tmp_path)
    write_json(tmp_path / CARD, {"kind": "oracle"})
    with pytest.raises(RmsError, match=r"judge\.json: kind = 'oracle': must be one of"):
        load(tmp_path)
    for card in ({"kind": "majority"}, {"kind": "majority", "unsafe_share": "half"}):
        write_json(tmp_path / CARD, card)
        with pytest.raises(RmsError, match=r"judge\.json: unsafe_share = .*: must be from 0 to 1"):
            load(tmp_path)
