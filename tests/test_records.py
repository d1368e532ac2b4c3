import pytest
from pydantic import ValidationError

from rms import records
from rms.records import Check, Pattern, Record, SceneElement
from rms.store import arrow_schema

KINDS = [kind for kind in vars(records).values() if isinstance(kind, type) and issubclass(kind, Record)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_record_has_an_arrow_schema_with_its_fields(kind):
    assert arrow_schema(kind).names == list(kind.model_fields)


def test_records_are_immutable_and_strict():
    element = SceneElement(name="oven", confidence=0.5, tags=[])
    with pytest.raises(ValidationError, match="frozen"):
        element.name = "stove"
    with pytest.raises(ValidationError, match="Extra inputs"):
        SceneElement(name="oven", confidence=0.5, tags=[], colour="red")
    with pytest.raises(ValidationError, match="valid string"):
        SceneElement(name=3, confidence=0.5, tags=[])


@pytest.mark.parametrize("value", [-0.01, 1.01, float("nan")])
def test_a_probability_is_between_zero_and_one(value):
    with pytest.raises(ValidationError, match="confidence"):
        SceneElement(name="oven", confidence=value, tags=[])


def test_verdicts_and_support_are_limited():
    with pytest.raises(ValidationError, match="verdict"):
        Check(modality="text", verdict="maybe", score=0.1, by="me", reason="")
    with pytest.raises(ValidationError, match="support"):
        Pattern(pattern_id="p", element="e", intent="i", risk="r", category="c", support=0, example_image_ids=[])
