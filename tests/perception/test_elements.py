import numpy as np
import pytest
import yaml

from rms.errors import RmsError
from rms.perception import load_elements
from rms.perception.elements import FAINT, sentence_of


@pytest.fixture(scope="module")
def elements():
    return load_elements()


def test_the_vocabulary_covers_what_the_classifier_knows(elements):
    covered = [index for element in elements.all for index in element.class_indices]
    assert len(elements.all) >= 60
    assert len(covered) == len(set(covered)) >= 950
    assert all(0 <= index < 1000 for index in covered)
    assert len({element.name for element in elements.all}) == len(elements.all)
    assert all(element.tags for element in elements.all)


def test_an_element_is_as_probable_as_its_classes_together(elements):
    probabilities = np.zeros(1000, dtype=np.float32)
    probabilities[281:286] = 0.1  # five kinds of domestic cat
    probabilities[967] = 0.3  # espresso
    probabilities[949] = FAINT / 2
    seen = elements.seen(probabilities, 8)
    assert [(e.name, e.confidence) for e in seen] == [("domestic cat", 0.5), ("espresso", 0.3)]
    assert [e.name for e in elements.seen(probabilities, 1)] == ["domestic cat"]


def test_a_caption_names_what_is_seen_surely(elements):
    probabilities = np.zeros(1000, dtype=np.float32)
    probabilities[[281, 967, 604]] = 0.4, 0.1, 0.3
    seen = elements.seen(probabilities, 8)
    assert sentence_of(elements, seen, 0.2) == "A photograph of a domestic cat or an hourglass."
    assert sentence_of(elements, seen, 0.9) == "A photograph of something that is hard to tell."


ENTRY = {"name": "oven", "number": "count", "tags": ["hot"], "classes": [5]}


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([{**ENTRY, "colour": "red"}], r"entry 1: .*colour"),
        ([ENTRY, {**ENTRY, "name": "stove"}], "stove: class 5 is also of oven"),
        ([{**ENTRY, "classes": ["998-1001"]}], "oven: class 1000 does not exist"),
        ([{**ENTRY, "classes": ["five"]}], "entry 1: .*five"),
        ([{**ENTRY, "number": "few"}], "entry 1: .*number"),
    ],
)
def test_a_faulty_vocabulary_is_one_line(tmp_path, entries, words):
    file = tmp_path / "elements.yaml"
    file.write_text(yaml.safe_dump(entries))
    with pytest.raises(RmsError, match=words) as caught:
        load_elements(file)
    assert "\n" not in str(caught.value)
