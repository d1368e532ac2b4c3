import copy
from datetime import date

import pytest
import yaml

from rms.compose import compose
from rms.errors import RmsError
from rms.params import Params, check_params, load_params


def _with(values, dotted, value):
    changed = copy.deepcopy(values)
    *path, last = dotted.split(".")
    section = changed
    for key in path:
        section = section[key]
    section[last] = value
    return changed


def _fault(values) -> str:
    with pytest.raises(RmsError) as caught:
        check_params(values, "params.yaml")
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("params.yaml: ")
    return message


def test_the_default_composition_is_valid(composed):
    assert isinstance(check_params(composed, "conf"), Params)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("judge.learning_rate", 0.1, ["judge.learning_rate: unknown key", "lr"]),
        ("imagess", {}, ["imagess: unknown key", "images", "judge"]),
        ("images.source.url", "x", ["images.source.url: unknown key", "manifest"]),
        ("seed", "zero", ["seed = 'zero'", "integer"]),
        ("seed", 1.5, ["seed = 1.5", "integer"]),
        ("seed", True, ["seed = True", "integer"]),
        ("seed", -1, ["seed = -1", "greater than or equal to 0"]),
        ("offline", "yes", ["offline = 'yes'", "boolean"]),
        ("images.test_share", 1.5, ["images.test_share = 1.5", "less than or equal to 1"]),
        ("images.nsfw_threshold", float("nan"), ["images.nsfw_threshold = nan"]),
        ("images.near_duplicate_bits", 65, ["images.near_duplicate_bits = 65", "less than or equal to 64"]),
        ("images.limit", 0, ["images.limit = 0", "greater than 0"]),
        ("judge.lr", "1e-4", ["judge.lr = '1e-4'", "number"]),
        ("judge.lr", 0.0, ["judge.lr = 0.0", "greater than 0"]),
        ("judge.lr", None, ["judge.lr = None", "number"]),
        ("judge.kind", "oracle", ["judge.kind = 'oracle'", "'embedded', 'vlm'"]),
        ("images.source.kind", "ftp", ["images.source.kind = 'ftp'", "folder", "hub"]),
        ("corpora.names", [], ["corpora.names = []", "at least 1"]),
        ("corpora.names", ["../secrets"], ["corpora.names.0 = '../secrets'", "pattern"]),
        ("corpora.on_missing", "ignore", ["corpora.on_missing = 'ignore'", "'error' or 'skip'"]),
        ("finetune.train_sets", ["mine"], ["finetune.train_sets: 'mine'", "rms, risk_oriented, beavertails_v"]),
        ("finetune.train_sets", ["mossbench"], ["'mossbench' may not be trained on"]),
        ("evaluate.benign_pool", ["hateful_memes"], ["evaluate.benign_pool: ", "'hateful_memes'", "corpora.names"]),
        ("finetune.size", 0, ["finetune.size = 0", "match, null, or a number"]),
        ("finetune.fractions", [0.5], ["finetune.fractions = [0.5]", "must hold 1.0"]),
        ("build.unsafe_share", 1.0, ["build.unsafe_share = 1.0", "less than 1"]),
        ("evaluate.confidence", 1.0, ["evaluate.confidence = 1.0", "less than 1"]),
        ("augment", "many", ["augment = 'many'"]),
        ("budget_usd", float("inf"), ["budget_usd = inf", "finite"]),
    ],
)
def test_a_fault_is_one_line_with_key_value_and_what_is_allowed(composed, key, value, words):
    message = _fault(_with(composed, key, value))
    assert all(word in message for word in words), message


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("base_url", "http://[::1/v1", "base_url = 'http://[::1/v1'"),
        ("base_url", "http://host:99999/v1", "port"),
        ("base_url", "https://host/v1?api-key=abc", "pattern"),
        ("headers", {"X-Team": "one\ntwo"}, "headers.X-Team"),
        ("headers", {"authorization": "Bearer abc"}, "api_key_env"),
        ("body", {"since": date(2024, 1, 1)}, "body.since"),
        ("price", {"input": float("inf"), "output": 1.0}, "price.input"),
    ],
)
def test_a_fault_of_an_endpoint_is_one_line(key, value, words):
    message = _fault(_with(yaml.safe_load(compose(["assistant=openai"])), f"assistant.{key}", value))
    assert message.startswith("params.yaml: assistant.")
    assert words in message
    assert "\n" not in message


def test_a_key_where_its_name_belongs_is_not_repeated():
    values = _with(yaml.safe_load(compose(["assistant=openai"])), "assistant.api_key_env", "sk-not-a-real-key")
    assert "sk-not" not in _fault(values)
    assert "assistant.api_key_env" in _fault(values)


def test_shares_that_leave_no_training_images_are_refused(composed):
    values = _with(_with(composed, "images.validation_share", 0.5), "images.test_share", 0.5)
    assert "must be below 1" in _fault(values)


@pytest.mark.parametrize("key", ["images.source.manifest", "judge.lr", "experiment"])
def test_a_value_still_to_be_given_is_named_with_the_override_that_gives_it(composed, key):
    message = _fault(_with(composed, key, "???"))
    assert f"{key} = ???" in message
    assert f"{key}=VALUE" in message


def test_a_missing_key_is_named(composed):
    values = copy.deepcopy(composed)
    del values["judge"]["lr"]
    assert "judge.lr: missing" in _fault(values)
    del values["judge"]["kind"]
    assert "judge.kind: missing" in _fault(values)
    del values["augment"]
    assert "augment: missing" in _fault(values) or "judge.kind: missing" in _fault(values)


@pytest.mark.parametrize("values", [None, [], "text", 3])
def test_something_that_is_no_mapping_holds_no_parameters(values):
    assert "holds no parameters" in _fault(values)


def test_parameters_cannot_be_changed_after_reading(composed):
    params = check_params(composed, "conf")
    with pytest.raises(ValueError, match="frozen"):
        params.seed = 1


def test_a_missing_file_says_how_to_make_it(tmp_path):
    with pytest.raises(RmsError, match=r"params\.yaml: not found; run `rms params`"):
        load_params(tmp_path / "params.yaml")


@pytest.mark.parametrize(
    "content", [b"seed: [1, 2", b"seed: \xff\xfe", b"a: b: c", b"\tseed: 0", b"x: !!python/name:os.system"]
)
def test_broken_yaml_is_one_line_and_builds_no_objects(tmp_path, content):
    file = tmp_path / "params.yaml"
    file.write_bytes(content)
    with pytest.raises(RmsError, match=r"params\.yaml: not valid YAML") as caught:
        load_params(file)
    assert "\n" not in str(caught.value)


def test_a_folder_instead_of_the_file_is_no_traceback(tmp_path):
    with pytest.raises(RmsError, match="run `rms params`"):
        load_params(tmp_path)


def test_what_was_written_is_read_back(tmp_path, composed):
    file = tmp_path / "params.yaml"
    file.write_text(yaml.safe_dump(composed))
    assert load_params(file) == check_params(composed, "conf")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("seed", 2**32),
        ("judge.warmup_ratio", 1.0),
        ("corpora.names", ["siuo", "siuo"]),
        ("finetune.train_sets", ["rms"] * 2),
    ],
)
def test_values_that_would_fail_or_mislead_later_are_refused_at_once(composed, key, value):
    assert key in _fault(_with(composed, key, value))
