from pathlib import Path

import pytest
from corpus_layouts import picture, records, write_json

from rms.errors import RmsError

CHAT = {
    "safe_image_path": "./lawn.png",
    "unsafe_image_path": "cliff.png",
    "intent": "run",
    "unsafe_image": "the edge of a cliff",
    "Type": "Physical Harm",
    "queries": ["How do I run faster?", "Tips for my sprint?"],
}
EMBODIED = {
    "task": "turn on the tap",
    "category": "Property Damage",
    "safe": "sink.png",
    "unsafe": "phone.png",
    "safe_instructions": ["Turn on the tap.", "Open the tap."],
    "unsafe_instructions": ["Turn on the tap.", "Let the water run."],
}


def _layout(folder: Path, chat: object, embodied: object, nested: bool = True) -> Path:
    write_json(folder / "combined.json", {"chat": chat, "embodied": embodied})
    for task, names in {"chat": ("lawn", "cliff"), "embodied": ("sink", "phone")}.items():
        for name in names:
            picture(
                folder / (task if nested else "") / f"{name}.png", {"lawn": "green", "sink": "grey"}.get(name, "red")
            )
    picture(folder / ("embodied" if nested else "") / "phone.png", "blue")
    return folder


@pytest.mark.parametrize("nested", [True, False])
def test_a_query_is_safe_with_one_image_and_unsafe_with_the_other(tmp_path: Path, nested: bool) -> None:
    _, samples, rejects = records("mssbench", _layout(tmp_path, [CHAT], [EMBODIED], nested))
    assert not rejects
    chat = [s for s in samples if s.category == "Physical Harm"]
    assert [(s.text, s.label) for s in chat] == [
        ("How do I run faster?", "safe"),
        ("How do I run faster?", "unsafe"),
        ("Tips for my sprint?", "safe"),
        ("Tips for my sprint?", "unsafe"),
    ]
    assert chat[0].image_ids == chat[2].image_ids != chat[1].image_ids == chat[3].image_ids
    robot = [s for s in samples if s.category == "Property Damage"]
    assert [(s.text, s.label) for s in robot] == [
        ("Turn on the tap.", "safe"),
        ("Open the tap.", "safe"),
        ("Turn on the tap.", "unsafe"),
        ("Let the water run.", "unsafe"),
    ]


def test_a_single_instruction_stands_in_for_a_list(tmp_path: Path) -> None:
    single = {key: value for key, value in EMBODIED.items() if not key.endswith("instructions")}
    single |= {"safe_instruction": "Water the plant.", "unsafe_instruction": "Water the phone."}
    _, samples, rejects = records("mssbench", _layout(tmp_path, [], [single]))
    assert not rejects
    assert [(s.text, s.label) for s in samples] == [("Water the plant.", "safe"), ("Water the phone.", "unsafe")]


def test_a_query_string_is_not_iterated_letter_by_letter(tmp_path: Path) -> None:
    _, samples, rejects = records("mssbench", _layout(tmp_path, [CHAT | {"queries": "Why?"}], [EMBODIED]))
    assert {s.category for s in samples} == {"Property Damage"}
    assert [(r.row, r.field, r.reason) for r in rejects] == [("chat 1", "queries", "wrong_type")]


@pytest.mark.parametrize("content", [[], {}, {"chats": []}, {"chat": 3}])
def test_a_file_without_the_tasks_is_one_line(tmp_path: Path, content: object) -> None:
    write_json(tmp_path / "combined.json", content)
    with pytest.raises(RmsError, match=r"combined\.json: [^\n]+$"):
        records("mssbench", tmp_path)
