import pytest

from rms.assistant.embedded.exposure import UNSURE, foremost, p_risky, welcomes
from rms.assistant.embedded.knowledge import Hazard
from rms.records import Description, SceneElement

HAZARD = Hazard(
    id="h", category="c", triggers=frozenset({"pet"}), harmless_with=frozenset({"seat"}), unclear=frozenset({"toy"}),
    intents=("sit here", "stay here", "rest here"), risk="risk", rationale="why", guidance="how", counterpart=("wait",),
)  # fmt: skip


def _scene(**masses: float) -> Description:
    kinds = {"cat": ["pet"], "hamster": ["pet"], "chair": ["seat"], "ball": ["toy"]}
    elements = [SceneElement(name=name, confidence=value, tags=kinds.get(name, [])) for name, value in masses.items()]
    return Description(image_id="i", caption="c", elements=elements)


@pytest.mark.parametrize(
    ("masses", "p"),
    [({"cat": 0.9}, 1.0), ({"chair": 0.9}, 0.0), ({"cat": 0.6, "chair": 0.2}, 0.75), ({"ball": 0.8}, 0.4),
     ({"cat": 0.3, "hamster": 0.3, "chair": 0.2}, 0.75), ({}, UNSURE), ({"cat": 0.1}, UNSURE),
     ({"cat": 0.1, "chair": 0.9}, 0.1), ({"cat": 0.4, "ball": 0.4}, 0.5),
     ({"cat": 0.3, "ball": 0.7}, UNSURE)],
)  # fmt: skip
def test_the_risk_is_the_share_that_triggers_have_of_what_is_seen(masses, p):
    assert p_risky(_scene(**masses), HAZARD, 0.15) == pytest.approx(p)


def test_a_name_is_a_tag_of_its_own():
    named = HAZARD.model_copy(update={"triggers": frozenset({"chair"})})
    assert p_risky(_scene(chair=0.5), named, 0.15) == 1.0


def test_a_wish_is_welcome_where_what_it_is_harmless_with_is_surely_seen():
    assert welcomes(_scene(chair=0.2), HAZARD, 0.15)
    assert not welcomes(_scene(chair=0.1, cat=0.9), HAZARD, 0.15)


def test_the_foremost_trigger_is_the_most_probable_one():
    scene = _scene(chair=0.5, cat=0.3, hamster=0.1)
    assert foremost(scene, HAZARD.triggers).name == "cat"
    assert foremost(_scene(chair=0.5), HAZARD.triggers) is None
