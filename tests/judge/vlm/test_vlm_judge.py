from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from tiny_models import examples, picture

import rms.judge
from rms.errors import RmsError
from rms.judge import Judge, Query
from rms.judge.vlm import merge
from rms.store import read_json

QUERIES = [
    Query((picture("red"),), "Shall we carry it?"),
    Query((picture("blue"), picture("green", (48, 30))), "Is it cold?", "Yes, take a coat."),
    Query((picture("white"),), ""),
]


@pytest.mark.parametrize("method", ["full", "lora"])
def test_the_full_path_of_each_architecture(any_base, trained, tmp_path, method):
    """Collate, train, save, load and score: the loaded judge answers bit for bit as the trained one."""
    judge = trained(model=str(any_base), method=method, rationale=method == "lora")
    assert isinstance(judge, Judge)
    scores = judge.p_unsafe(QUERIES)
    assert scores.shape == (3,)
    assert ((scores > 0) & (scores < 1)).all()
    assert len(set(scores)) == 3
    loaded = rms.judge.load(tmp_path / "kept")
    assert np.array_equal(loaded.p_unsafe(QUERIES), scores)
    assert loaded.threshold == judge.threshold
    assert loaded.p_unsafe([]).shape == (0,)
    assert not list((tmp_path / "checkpoints").iterdir()), "what a run keeps is gone when it ended well"


def test_a_judge_carries_what_it_takes_to_answer_alike_elsewhere(trained, base, tmp_path):
    judge = trained(method="full")
    (tmp_path / "kept").rename(tmp_path / "elsewhere")
    away = tmp_path / "away"
    base.rename(away)
    try:
        assert np.array_equal(rms.judge.load(tmp_path / "elsewhere").p_unsafe(QUERIES), judge.p_unsafe(QUERIES))
    finally:
        away.rename(base)
    card = read_json(tmp_path / "elsewhere/judge.json")
    assert card["base"] == str(base)
    assert len(card["revision"]) == 64
    assert {"policy.md", "prompt.md", "model/model.safetensors", "model/chat_template.jinja"} <= set(card["files"])
    names = {Path(name).suffix for name in card["files"]}
    assert names <= {".md", ".json", ".safetensors", ".jinja"}, "nothing that could hold code"


def test_training_moves_what_it_should_and_nothing_else(trained, base, tmp_path):
    trained(method="full")
    before, after = load_file(base / "model.safetensors"), load_file(tmp_path / "kept/model/model.safetensors")
    assert before.keys() == after.keys()
    assert any(not np.array_equal(before[name], after[name]) for name in before)
    (tmp_path / "kept").rename(tmp_path / "full")
    trained(method="lora", gradient_checkpointing=True)
    adapter = load_file(tmp_path / "kept/model/adapter_model.safetensors")
    assert all("text_model" in name for name in adapter), "what sees the picture stays as it is"
    assert any(value.any() for name, value in adapter.items() if "lora_B" in name)
    assert not (tmp_path / "kept/model/model.safetensors").exists()


def test_training_again_gives_the_same_weights_and_curves(trained, tmp_path):
    first = trained()
    weights = (tmp_path / "kept/model/model.safetensors").read_bytes()
    curve = (tmp_path / "curves/plots/metrics/loss.tsv").read_text()
    second = trained()
    assert (tmp_path / "kept/model/model.safetensors").read_bytes() == weights
    assert (tmp_path / "curves/plots/metrics/loss.tsv").read_text() == curve
    assert first.threshold == second.threshold
    assert len((tmp_path / "curves/plots/metrics/eval_auroc.tsv").read_text().splitlines()) == 3
    trained(seed=1)
    assert (tmp_path / "kept/model/model.safetensors").read_bytes() != weights


def test_gradient_accumulation_and_checkpointing_change_nothing(trained, tmp_path):
    weights = []
    for changes in ({"batch_size": 4}, {"batch_size": 2, "gradient_accumulation": 2, "gradient_checkpointing": True}):
        trained(**changes)
        weights.append(load_file(tmp_path / "kept/model/model.safetensors"))
    for name in weights[0]:
        assert weights[0][name] == pytest.approx(weights[1][name], abs=1e-4)


def test_balanced_weights_count_the_rare_class_up():
    from rms.judge.vlm.training import _weighed  # noqa: PLC0415

    rows = examples(8)
    kept = [row for row in rows if row.label == 0] + [row for row in rows if row.label == 1][:1]
    weights = [row.weight for row in _weighed(kept, "balanced")]
    assert weights == pytest.approx([0.625] * 4 + [2.5])
    assert sum(weights) == pytest.approx(len(kept))
    assert {row.weight for row in _weighed(kept, "none")} == {1.0}
    assert {row.weight for row in _weighed(kept[:4], "balanced")} == {1.0}


def test_training_ends_early_without_a_better_auroc(trained, tmp_path):
    trained(lr=1e-9, epochs=20, patience=1)
    assert len((tmp_path / "curves/plots/metrics/eval_auroc.tsv").read_text().splitlines()) == 1 + 2


def test_bf16_computes_saves_and_loads_alike(trained, tmp_path):
    judge = trained(precision="bf16", method="lora")
    assert np.array_equal(rms.judge.load(tmp_path / "kept").p_unsafe(QUERIES), judge.p_unsafe(QUERIES))
    assert read_json(tmp_path / "kept/judge.json")["precision"] == "bf16"


def test_a_query_is_scored_alike_alone_and_in_company(trained):
    judge = trained()
    alone = np.concatenate([judge.p_unsafe([query]) for query in QUERIES])
    assert judge.p_unsafe(QUERIES) == pytest.approx(alone, abs=1e-5)


@pytest.mark.parametrize("method", ["full", "lora"])
def test_a_merged_judge_is_one_model_that_says_the_same(trained, tmp_path, method):
    """As a server would load it: whole, with its processor, without peft."""
    from transformers import AutoModelForImageTextToText  # noqa: PLC0415

    from rms.judge.vlm.processor import load_processor  # noqa: PLC0415
    from rms.judge.vlm.prompt import parse_frame  # noqa: PLC0415
    from rms.judge.vlm.reading import Bounds, Reader  # noqa: PLC0415
    from rms.judge.vlm.verdict import Verdict  # noqa: PLC0415

    judge = trained(method=method, lr=1e-2)
    merge(tmp_path / "kept", tmp_path / "merged")
    model = AutoModelForImageTextToText.from_pretrained(tmp_path / "merged").eval()
    processor = load_processor(tmp_path / "merged", None, trust_remote_code=False)
    frame = parse_frame((tmp_path / "merged/prompt.md").read_text().rstrip(), "merged")
    reader = Reader(processor, frame, Bounds(2, 64 * 64, 512, False), "full")
    scores = Verdict(processor.tokenizer, reader.lead).p_unsafe(model, reader.read(QUERIES))
    assert scores.numpy() == pytest.approx(judge.p_unsafe(QUERIES), abs=1e-5)
    with pytest.raises(RmsError, match="merged: exists already"):
        merge(tmp_path / "kept", tmp_path / "merged")


def test_a_judge_and_its_twins_share_one_base_and_answer_as_if_alone(trained, tmp_path):
    alone = {}
    for modality in ("full", "text_only"):
        alone[modality] = trained(modality, method="lora", lr=1e-2).p_unsafe(QUERIES)
        (tmp_path / "kept").rename(tmp_path / modality)
    judges = {name: rms.judge.load(tmp_path / name) for name in alone}
    full, blind = (judge._scorer._network.model for judge in judges.values())
    assert full is blind
    for name in ("full", "text_only", "full"):
        assert np.array_equal(judges[name].p_unsafe(QUERIES), alone[name])
    del judges["full"]
    assert np.array_equal(judges["text_only"].p_unsafe(QUERIES), alone["text_only"])
    assert np.array_equal(rms.judge.load(tmp_path / "full").p_unsafe(QUERIES), alone["full"])


def test_a_judge_that_learned_reasons_says_them_and_another_does_not(trained):
    judge = trained(rationale=True, epochs=30, lr=1e-2, evaluations=1)
    row = examples(8)[1]
    assert judge.explain(row.query) in {"It may fall.", "Nothing here points to harm."}
    with pytest.raises(RmsError, match="has not learned to say why"):
        trained().explain(row.query)
