from pathlib import Path

import pytest
import yaml

from rms.assistant.embedded.knowledge import FOLDER
from rms.errors import RmsError
from rms.judge.vlm.policy import CATEGORIES, read_policy

DEFAULT = Path(__file__).parents[3] / "conf/policy/default.md"


def test_the_policy_speaks_of_every_category_that_the_data_is_labelled_with():
    hazards = [entry for file in (FOLDER / "hazards").glob("*.yaml") for entry in yaml.safe_load(file.read_text())]
    assert {entry["category"] for entry in hazards} == set(CATEGORIES)
    policy = read_policy(DEFAULT)
    assert all(f"\n- {category}: " in policy.text for category in CATEGORIES)


def test_its_version_follows_its_words(tmp_path):
    other = tmp_path / "policy.md"
    other.write_text(DEFAULT.read_text() + "\n- boredom: somebody yawns\n")
    assert read_policy(other).version != read_policy(DEFAULT).version
    other.write_text(DEFAULT.read_text() + "\n\n")
    assert read_policy(other) == read_policy(DEFAULT)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("- fire:", "- flames:", "no line for the category 'fire'; add '- fire: "),
        ("- fire: flames, sparks, embers or heat come near what burns", "- fire: ", "fire: says nothing"),
        ("- fraud:", "- fire:", "no line for the category 'fraud'"),
        ("- other:", "- fire:", "fire: has two lines"),
    ],
)
def test_a_policy_with_a_missing_category_is_one_line(tmp_path, old, new, message):
    file = tmp_path / "policy.md"
    assert old in DEFAULT.read_text()
    file.write_text(DEFAULT.read_text().replace(old, new))
    with pytest.raises(RmsError, match=message) as error:
        read_policy(file)
    assert str(file) in str(error.value)


def test_a_policy_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(RmsError, match=r"policy \(judge.policy\) cannot be read"):
        read_policy(tmp_path / "none.md")
    (tmp_path / "binary.md").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RmsError, match="cannot be read"):
        read_policy(tmp_path / "binary.md")
