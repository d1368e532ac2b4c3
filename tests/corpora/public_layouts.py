"""A few rows of every public dataset in the layout its authors publish, typos and quirks included.

`LAYOUTS[name]` writes them into a folder; texts are harmless stand-ins for what the authors wrote.
"""

from collections.abc import Callable
from pathlib import Path

from corpus_layouts import cell, local, picture, row, write_csv, write_json, write_parquet


def mm_safetybench(folder: Path) -> None:
    for kind, colour in {"SD": "red", "SD_TYPO": "green", "TYPO": "blue"}.items():
        rows = [{"id": "0", "question": f"What about {kind}?", "image": cell(colour)}]
        write_parquet(folder / f"data/Illegal_Activitiy/{kind}.parquet", rows)
    write_parquet(
        folder / "data/Illegal_Activitiy/Text_only.parquet", [{"id": "0", "question": "Only text", "image": None}]
    )


def mm_safetybench_original(folder: Path) -> None:
    question = {
        "Question": "The question as first written",
        "Changed Question": "Another wording",
        "Key Phrase": "a phrase",
        "Phrase Type": "activity",
        "Rephrased Question": "The image shows a phrase. What of it?",
        "Rephrased Question(SD)": "The image shows an activity. What of it?",
    }
    write_json(folder / "data/processed_questions/01-Illegal_Activitiy.json", {"0": question})
    for kind, colour in {"SD": "red", "SD_TYPO": "green", "TYPO": "blue"}.items():
        picture(folder / f"imgs/01-Illegal_Activitiy/{kind}/0.jpg", colour)


def vlsbench(folder: Path) -> None:
    entry = {
        "instruction_id": 0,
        "instruction": "How do I use this best?",
        "image_path": "imgs/0.png",
        "category": "Violent",
        "sub_category": "Weapon-Related Violence",
        "source": "generation",
        "image_description": "A thing.",
        "safety_reason": "It is dangerous.",
    }
    write_json(folder / "data.json", [entry])
    picture(folder / "imgs/0.png")


PROMPT = {
    "hazard_category": "Other",
    "hazard_subcategory": "Dangerous challenges",
    "hazard_subsubcategory": "",
    "case_id": "case_0001",
    "case_text": "try this",
    "unsafe_image_id": "unsafe_image_0001",
    "unsafe_image_description": "A stunt",
    "prompt_text": "Should I try this?",
    "prompt_type": "assistance",
}


def msts(folder: Path) -> None:
    intention = PROMPT | {"prompt_text": "I am going to try this.", "prompt_type": "intention"}
    write_parquet(
        folder / "data/english-00000-of-00001.parquet", [p | {"unsafe_image": cell()} for p in (PROMPT, intention)]
    )
    german = PROMPT | {"prompt_text": "Soll ich das versuchen?", "unsafe_image": cell()}
    write_parquet(folder / "data/german-00000-of-00001.parquet", [german])


def msts_repository(folder: Path) -> None:
    prompts = [PROMPT | {"prompt_id": "prompt_0001"}, PROMPT | {"prompt_id": "prompt_0201", "prompt_text": "I will."}]
    write_csv(folder / "data/prompts/english_multimodal.csv", prompts)
    picture(folder / "data/unsafe_images/unsafe_image_0001.jpg")


def holisafe(folder: Path) -> None:
    rows = []
    for number, kind in enumerate(("SSS", "SSU", "SUU", "USU", "UUU")):
        rows.append(
            {
                "id": number,
                "image": "hate/race/1.png",
                "query": f"What about {kind}?",
                "category": "hate",
                "subcategory": "race",
                "type": kind,
                "image_safe": kind[0] == "S",
                "image_safety_label": 0,
            }
        )
    write_json(folder / "holisafe_bench.json", rows)
    picture(folder / "images/hate/race/1.png")


def spa_vl(folder: Path) -> None:
    pair = {"image": cell(), "question": "What do you say?", "chosen": "Better not.", "rejected": "Do it."}
    classes = {"class1": "Toxicity Harms", "class2": "Discrimination", "class3": "Race"}
    write_parquet(folder / "validation/validation-00000-of-00001.parquet", [pair | classes])
    write_parquet(folder / "data/train-00000-of-00002.parquet", [pair | {"image_name": "1.jpg"}])
    write_parquet(
        folder / "data/train-00001-of-00002.parquet", [pair | {"question": "And now?", "image_name": "2.jpg"}]
    )
    write_parquet(
        folder / "test/harm-00000-of-00001.parquet", [{"image": cell(), "question": "No responses"} | classes]
    )


def beavertails_v(folder: Path) -> None:
    for config, colour in {"animal_abuse": "red", "dangerous_behavior": "blue"}.items():
        question = {"question": f"What of {config}?", "image": cell(colour), "category": config, "image_severity": 2}
        rows = [
            question | {"response": "I'd rather not.", "is_response_safe": "yes"},
            question | {"response": "Gladly.", "is_response_safe": "no"},
        ]
        write_parquet(folder / f"data/{config}/evaluation.parquet", rows)
        write_parquet(folder / f"data/{config}/train.parquet", rows[:1])


def mis(folder: Path) -> None:
    for level, colour in {"easy": "red", "hard": "green", "real": "blue"}.items():
        record = {
            "question": f"How do these go together, {level}?",
            "category": "Violence",
            "sub_category": "Weapon Related",
            "image_path1": f"{level}_image/1/object1.png",
            "image_path2": f"{level}_image/1/object2.png",
            "id": 1,
        }
        write_json(folder / f"mis_{level}.json", [record])
        picture(folder / f"{level}_image/1/object1.png", colour)
        picture(folder / f"{level}_image/1/object2.png", "white")
    said = [{"from": "human", "value": "<image>\n<image>\nWhat is it?"}, {"from": "gpt", "value": "Take care."}]
    train = {"id": 1, "image": ["images/a.png", "images/b.png"], "category": "Violence", "conversations": said}
    write_json(folder / "mis_train.json", [train])
    picture(folder / "images/a.png")
    picture(folder / "images/b.png", "white")


def jailbreakv(folder: Path) -> None:
    row = {
        "": "0",  # the index that pandas wrote
        "id": "1",
        "jailbreak_query": 'Pretend, then, over\nseveral lines, and "quoted".',
        "redteam_query": "Tell me.",
        "format": "Template",
        "policy": "Fraud",
        "image_path": "llm_transfer_attack/blank_1.png",
        "from": "GPT Generate",
        "selected_mini": "False",
        "transfer_from_llm": "True",
    }
    lost = row | {"id": "2", "jailbreak_query": "Another", "image_path": "figstep/lost.png", "format": "figstep"}
    write_csv(folder / "JailBreakV_28K/JailBreakV_28K.csv", [row, lost])
    write_csv(folder / "JailBreakV_28K/mini_JailBreakV_28K.csv", [row])
    picture(folder / "JailBreakV_28K/llm_transfer_attack/blank_1.png")


def mossbench(folder: Path) -> None:
    for part, question in {"data": "A game for the toy knife?", "data_contrast": "A game for the real knife?"}.items():
        entry = {
            "image": "images/1.png",
            "short description": "A playroom",
            "question": question,
            "metadata": {"over": "type 1", "human": 0},
            "pid": "1",
            "description": "",
        }
        write_json(folder / part / "images_information/information.json", {"1": entry})
        picture(folder / part / "images/1.png", "red" if part == "data" else "blue")


def unsafebench(folder: Path) -> None:
    rows = [
        {"image": cell("red"), "safety_label": "Safe", "category": "Hate", "source": "Laion5B", "text": ""},
        {"image": cell("blue"), "safety_label": "Unsafe", "category": "Hate", "source": "Lexica", "text": "a caption"},
    ]
    write_parquet(folder / "data/test-00000-of-00001.parquet", rows)
    write_parquet(folder / "data/train-00000-of-00001.parquet", rows)


def hateful_memes(folder: Path) -> None:
    lines = [
        '{"id":1243,"img":"img/01243.png","label":0,"text":"what a day"}',
        '{"id":42953,"img":"img/42953.png","label":1,"text":"what a day"}',
    ]
    for part in ("train", "test_seen"):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{part}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    picture(folder / "img/01243.png")
    picture(folder / "img/42953.png", "blue")


def rms2(folder: Path) -> None:
    rows = [{"image": f"{n}.png", "text": f"What of {n}?", "category": "race"} for n in range(10)]
    write_json(folder / "discrimination.json", rows)
    for n in range(10):
        picture(folder / f"images/{n}.png", f"#{n}00000")


def vlguard(folder: Path) -> None:
    instructions = [{"safe_instruction": "What is it?"}, {"unsafe_instruction": "How do I forge it?"}]
    for split in ("test", "train"):
        write_json(folder / f"{split}.json", [{"id": "1", "image": "a.png", "safe": True, "instr-resp": instructions}])
        picture(folder / split / "a.png")


def siuo(folder: Path) -> None:
    write_json(
        folder / "siuo_gen.json",
        [{"question_id": 1, "image": "S-01.png", "question": "May I?", "category": "self-harm"}],
    )
    picture(folder / "images/S-01.png")


def mssbench(folder: Path) -> None:
    chat = {"safe_image_path": "a.png", "unsafe_image_path": "b.png", "Type": "Harm", "queries": ["How fast?"]}
    robot = {
        "category": "Damage",
        "safe": "a.png",
        "unsafe": "b.png",
        "safe_instruction": "On.",
        "unsafe_instruction": "On.",
    }
    write_json(folder / "combined.json", {"chat": [chat], "embodied": [robot]})
    for task in ("chat", "embodied"):
        picture(folder / task / "a.png")
        picture(folder / task / "b.png", "blue")


def figstep(folder: Path) -> None:
    task = {"dataset": "ForbidQI", "category_id": "1", "task_id": "1", "category_name": "Fraud"}
    write_csv(folder / "safebench.csv", [task | {"question": "What?", "instruction": "Ways to do it."}])
    picture(folder / "images/SafeBench/query_ForbidQI_1_1_6.png")


def own(folder: Path) -> None:
    local(folder, row())
    (folder / "train.jsonl").write_bytes((folder / "samples.jsonl").read_bytes())


LAYOUTS: dict[str, Callable[[Path], None]] = {
    "beavertails_v": beavertails_v,
    "figstep": figstep,
    "hateful_memes": hateful_memes,
    "holisafe": holisafe,
    "jailbreakv": jailbreakv,
    "local": own,
    "mis": mis,
    "mm_safetybench": mm_safetybench,
    "mossbench": mossbench,
    "mssbench": mssbench,
    "msts": msts,
    "rms2": rms2,
    "siuo": siuo,
    "spa_vl": spa_vl,
    "unsafebench": unsafebench,
    "vlguard": vlguard,
    "vlsbench": vlsbench,
}
