import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_models import POLICY, SETTINGS, examples, picture, save_idefics3
from transformers import LlamaConfig

import rms.judge
from rms.errors import RmsError
from rms.judge import Example, Query
from rms.judge.vlm import Plan, VlmJudge
from rms.judge.vlm.checkpoints import Checkpoints
from rms.judge.vlm.faults import computing
from rms.judge.vlm.model import find_base, load_base
from rms.judge.vlm.processor import load_processor
from rms.params import VlmJudge as Settings


@pytest.fixture
def copy(base: Path, tmp_path: Path) -> Path:
    """A model to damage."""
    return shutil.copytree(base, tmp_path / "copy")


@pytest.fixture(scope="module")
def judge_folder(base, policy, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("judge")
    chosen = Settings.model_validate({**SETTINGS, "model": str(base), "policy": str(policy), "method": "lora"})
    with Checkpoints(folder / "checkpoints") as checkpoints:
        judge = VlmJudge.untrained("full", Plan(chosen, 0, folder / "curves", checkpoints))
        judge.fit(examples(4), examples(4))
        (folder / "judge").mkdir()
        judge.save(folder / "judge")
    return folder / "judge"


def _find(model: Path | str) -> None:
    find_base(str(model), None, trust_remote_code=False)


def test_a_folder_without_a_model_and_a_model_without_eyes_are_told(tmp_path):
    with pytest.raises(RmsError, match=r"the folder has no config\.json"):
        _find(tmp_path)
    LlamaConfig().save_pretrained(tmp_path)
    with pytest.raises(RmsError, match="a llama model is no vision-language model"):
        _find(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(RmsError, match="cannot be loaded"):
        _find(tmp_path)


def test_code_of_a_model_is_not_run_unless_asked_for(copy):
    values = json.loads((copy / "config.json").read_text())
    values |= {"model_type": "mine", "auto_map": {"AutoConfig": "mine.Config"}}
    (copy / "config.json").write_text(json.dumps(values))
    (copy / "mine.py").write_text("raise SystemExit('the code ran')")
    with pytest.raises(RmsError, match=r"comes with code of its own; set judge\.trust_remote_code=true"):
        _find(copy)


def test_a_judge_does_not_consent_to_code_for_its_user(judge_folder, tmp_path, monkeypatch):
    hostile = shutil.copytree(judge_folder, tmp_path / "hostile")
    card = json.loads((hostile / "judge.json").read_text())
    (hostile / "judge.json").write_text(json.dumps({**card, "trust_remote_code": True}))
    with pytest.raises(RmsError, match=f"runs code that comes with .*; set RMS_TRUST_REMOTE_CODE={card['base']}"):
        rms.judge.load(hostile)
    monkeypatch.setenv("RMS_TRUST_REMOTE_CODE", card["base"])
    assert rms.judge.load(hostile).threshold == card["threshold"]


def test_an_adapter_that_is_pickled_is_not_read(judge_folder, tmp_path):
    hostile = shutil.copytree(judge_folder, tmp_path / "hostile")
    weights = hostile / "model/adapter_model.safetensors"
    torch.save(load_file(weights), weights.with_suffix(".bin"))
    weights.unlink()
    card = json.loads((hostile / "judge.json").read_text())
    del card["files"]["model/adapter_model.safetensors"]
    (hostile / "judge.json").write_text(json.dumps(card))
    with pytest.raises(RmsError, match=r"has no adapter_model\.safetensors"):
        rms.judge.load(hostile)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"peft_type": "IA3"}, "peft_type = 'IA3': only LORA adapters are read"),
        ({"peft_type": None}, "peft_type = None: only LORA"),
        ({"auto_mapping": {"base_model_class": "A", "parent_library": "os"}}, ""),
        ({"corda_config": {"cache_file": "a.pt"}}, "corda_config: is not as"),
        ({"init_lora_weights": "pissa"}, "init_lora_weights: is not as"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save: is not as"),
        ({"no_such_setting": 1}, "no_such_setting: is not as"),
    ],
)
def test_of_adapters_only_plain_lora_is_read(judge_folder, tmp_path, said, message):
    hostile = shutil.copytree(judge_folder, tmp_path / "hostile")
    file = hostile / "model/adapter_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **said}))
    card = json.loads((hostile / "judge.json").read_text())
    card["files"]["model/adapter_config.json"] = file.stat().st_size
    (hostile / "judge.json").write_text(json.dumps(card))
    if message:
        with pytest.raises(RmsError, match=rf"adapter_config\.json: {re.escape(message)}"):
            rms.judge.load(hostile)
    else:
        assert rms.judge.load(hostile).threshold == card["threshold"]


def test_an_adapter_that_lies_with_a_whole_model_is_not_put_on(judge_folder, base, tmp_path):
    hostile = shutil.copytree(judge_folder, tmp_path / "hostile")
    shutil.copy(base / "model.safetensors", hostile / "model")
    card = json.loads((hostile / "judge.json").read_text())
    (hostile / "judge.json").write_text(json.dumps({**card, "method": "full"}))
    with pytest.raises(RmsError, match="model: holds an adapter"):
        rms.judge.load(hostile)


@pytest.mark.parametrize("threshold", ["NaN", "-0.1", "1.5", "Infinity", '"much"'])
def test_a_threshold_that_is_no_share_is_told(judge_folder, tmp_path, threshold):
    damaged = shutil.copytree(judge_folder, tmp_path / "damaged")
    card = json.loads((damaged / "judge.json").read_text())
    text = json.dumps({**card, "threshold": "HERE"}).replace('"HERE"', threshold)
    (damaged / "judge.json").write_text(text)
    with pytest.raises(RmsError, match=r"judge\.json: threshold: [^\n]+$"):
        rms.judge.load(damaged)


class _Hub(BaseHTTPRequestHandler):
    """The Hub's answers for a gated and a missing repository."""

    def do_HEAD(self) -> None:
        gated = "/gated/" in self.path
        self.send_response(403 if gated else 404)
        self.send_header("X-Error-Code", "GatedRepo" if gated else "RepoNotFound")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_HEAD  # noqa: N815

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def hub() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Hub) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


ASK = """
import huggingface_hub.constants
from rms.errors import RmsError
from rms.judge.vlm.model import find_base
for name, offline in (("team/gated", False), ("team/missing", False), ("not a name", False), ("team/missing", True)):
    huggingface_hub.constants.HF_HUB_OFFLINE = offline
    try:
        find_base(name.replace("team/gated", "gated/model"), None, trust_remote_code=False)
    except RmsError as error:
        print(error)
"""


def test_models_of_the_hub_that_are_gated_missing_or_not_fetched_are_told(hub, tmp_path):
    environment = {**os.environ, "HF_ENDPOINT": hub, "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "0"}
    done = subprocess.run([sys.executable, "-c", ASK], env=environment, capture_output=True, text=True, check=True)
    gated, missing, wrong, offline = done.stdout.splitlines()
    assert "gated/model: gated: ask for access on its page of the Hub, then set HF_TOKEN" in gated
    assert "team/missing: no such model on the Hub" in missing
    assert "judge.model = not a name: " in wrong
    assert "not in the cache of the Hub; run once with offline=false" in offline


def test_weights_that_are_missing_damaged_or_pickled_are_told(copy):
    def load() -> None:
        load_base(copy, None, dtype=torch.float32, quantize=False, trust_remote_code=False)

    weights = copy / "model.safetensors"
    whole = load_file(weights)
    save_file({name: value for name, value in whole.items() if "connector" not in name}, weights, {"format": "pt"})
    with pytest.raises(RmsError, match=r"weights are missing: .*connector"):
        load()
    weights.write_bytes(weights.read_bytes()[:5000])
    with pytest.raises(RmsError, match="copy: "):
        load()
    weights.unlink()
    torch.save(whole, copy / "pytorch_model.bin")
    with pytest.raises(RmsError, match="safetensors"):
        load()


def test_processors_that_do_not_fit_are_told(copy, trained):
    with pytest.raises(
        RmsError, match=r"judge.processor.do_magic: unknown to Idefics3ImageProcessorPil; known: .*do_resize"
    ):
        trained(model=str(copy), processor={"do_magic": True})
    values = json.loads((copy / "processor_config.json").read_text())
    (copy / "processor_config.json").write_text(json.dumps({**values, "image_seq_len": 9}))
    with pytest.raises(RmsError, match="image tokens do not match the image features") as error:
        trained(model=str(copy))
    assert "\n" not in str(error.value)
    (copy / "chat_template.jinja").unlink()
    with pytest.raises(RmsError, match="has no chat template"):
        load_processor(copy, None, trust_remote_code=False)


def test_values_of_the_image_processor_can_be_replaced(base):
    changed = load_processor(base, None, trust_remote_code=False, options={"image_mean": [0.1, 0.2, 0.3]})
    assert list(changed.image_processor.image_mean) == [0.1, 0.2, 0.3]


def test_a_mistake_leaves_nothing_half_written(trained, settings, tmp_path):
    broken = tmp_path / "policy.md"
    broken.write_text(POLICY.replace("- fire: harm\n", ""))
    with pytest.raises(RmsError, match="no line for the category 'fire'"):
        trained(policy=str(broken))
    three = Example(Query((picture(),) * 3, "Which one?"), 1)
    with (
        pytest.raises(RmsError, match=r"a query has 3 images and the judge takes 2 \(judge.max_images\)"),
        Checkpoints(tmp_path / "checkpoints") as checkpoints,
    ):
        judge = VlmJudge.untrained("full", Plan(settings(epochs=2), 0, tmp_path / "curves", checkpoints))
        judge.fit([*examples(8), three], examples(4))
    assert not (tmp_path / "kept").exists()
    assert not (tmp_path / "curves").exists()
    assert not list(tmp_path.glob("checkpoints/*/trained"))


@pytest.mark.skipif(find_spec("bitsandbytes") is not None, reason="bitsandbytes is installed")
def test_four_bits_without_the_package_are_told(trained):
    with pytest.raises(RmsError, match="needs the package bitsandbytes"):
        trained(method="lora", quantize=True)


def test_running_out_of_memory_names_the_knobs():
    with (
        pytest.raises(
            RmsError, match=r"tiny: out of memory; turn one of judge.batch_size .*gradient_checkpointing"
        ) as error,
        computing("tiny"),
    ):
        torch.empty(2**55)  # what the allocator says then is real
    assert "\n" not in str(error.value)
    with pytest.raises(RmsError, match="out of memory"), computing("tiny"):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB")
    with pytest.raises(ValueError, match="something else"), computing("tiny"):
        raise ValueError("something else")


def test_a_judge_folder_cut_in_half_is_told(judge_folder, tmp_path):
    files = sorted(file.relative_to(judge_folder) for file in judge_folder.rglob("*") if file.is_file())
    assert len(files) >= 7
    for number, file in enumerate(files):
        for damage in ("gone", "cut"):
            broken = shutil.copytree(judge_folder, tmp_path / f"{number}-{damage}")
            if damage == "gone":
                (broken / file).unlink()
            else:
                content = (broken / file).read_bytes()
                (broken / file).write_bytes(content[: len(content) // 2])
            with pytest.raises(RmsError, match=r"not a complete judge|judge\.json") as error:
                rms.judge.load(broken)
            assert "\n" not in str(error.value)
            assert file.name in str(error.value)


def test_an_adapter_without_its_base_or_with_another_is_told(judge_folder, base, tmp_path):
    away = tmp_path / "away"
    base.rename(away)
    try:
        with pytest.raises(RmsError, match=r"needs its base model in .*, which is not there"):
            rms.judge.load(judge_folder)
        save_idefics3(base, seed=1)
        with pytest.raises(RmsError, match="no longer the one it was trained on"):
            rms.judge.load(judge_folder)
    finally:
        shutil.rmtree(base, ignore_errors=True)
        away.rename(base)
    rms.judge.load(judge_folder)


def test_a_loaded_judge_is_not_trained_further_and_an_untrained_one_says_so(judge_folder, settings, tmp_path):
    with pytest.raises(RmsError, match="cannot be trained further"):
        rms.judge.load(judge_folder).fit([], [])
    with Checkpoints(tmp_path) as checkpoints:
        judge = VlmJudge.untrained("full", Plan(settings(), 0, tmp_path, checkpoints))
    with pytest.raises(RmsError, match="not trained yet"):
        judge.p_unsafe([Query((picture(),), "?")])
    with pytest.raises(RmsError, match="nothing to save"):
        judge.save(tmp_path)
