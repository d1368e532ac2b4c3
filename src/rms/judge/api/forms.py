"""How each kind of model is asked for a verdict, and which parser reads its answer."""

import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from rms.assistant.openai.reading import Completion
from rms.assistant.openai.request import Message, Request
from rms.errors import RmsError
from rms.judge.api.answers import read_json, read_llama_guard, read_llavaguard, read_shieldgemma, read_words
from rms.judge.api.view import View
from rms.judge.interface import Opinion
from rms.judge.vlm.policy import check_policy
from rms.judge.vlm.prompt import Frame, ask, frame, parse_frame

_ENTRY = re.compile(r"^- ([a-z_]+): *(\S.*)$", re.MULTILINE)
_JSON = {
    "title": "Verdict",
    "type": "object",
    "properties": {"category": {"type": "string"}, "verdict": {"type": "string", "enum": ["safe", "unsafe"]}},
    "required": ["category", "verdict"],
    "additionalProperties": False,
}

Requests = Mapping[str, Request]
"""Questions about one query by a name; most kinds of model are asked one."""


class Form(NamedTuple):
    """A way of asking for verdicts."""

    questions: Callable[[View], Requests]
    read: Callable[[Mapping[str, Completion]], Opinion]
    """Of the completions, by the names of the questions."""


def form_of(name: str, policy: str, logprobs: int, where: str) -> Form:
    """The form with this name for this policy, checked; `where` names the policy in errors.

    Only where the verdict is the first word of an answer are `logprobs` asked for.
    """
    match name:
        case "words":
            check_policy(policy, where)
            return Form(partial(_one, frame(policy), logprobs=logprobs), _reader(read_words))
        case "json":
            check_policy(policy, where)
            return Form(partial(_one, _frame("json.md", policy), schema=_JSON), _reader(read_json))
        case "llama_guard":
            return Form(partial(_conversation, logprobs=logprobs), _reader(read_llama_guard))
        case "llavaguard":
            return Form(partial(_one, _frame("llavaguard.md", policy)), _reader(read_llavaguard))
        case "shieldgemma":
            frames = {rule: _frame("shieldgemma.md", said.strip()) for rule, said in _ENTRY.findall(policy)}
            if not frames:
                raise RmsError(f"{where}: names no rule; add lines of the form '- name: what it forbids'")
            return Form(partial(_each, frames, logprobs=logprobs), read_shieldgemma)
    raise RmsError(f"{where}: form = {name!r}: unknown; fine-tune the judge again")


def _reader(parse: Callable[[Completion], Opinion]) -> Callable[[Mapping[str, Completion]], Opinion]:
    return lambda completions: parse(completions[""])


def _one(words: Frame, view: View, *, schema: Mapping[str, object] | None = None, logprobs: int = 0) -> Requests:
    text = ask(_with(words, view.pictures), view.text, view.response, view.total)
    return {"": Request("judge", [Message("user", text, view.images)], schema, logprobs=logprobs)}


def _with(words: Frame, pictures: str) -> Frame:
    """`words` with what stands for pictures behind the policy: servers read once what all questions begin with."""
    policy, gap, invitation = words.before.rstrip().rpartition("\n\n")
    return Frame(f"{policy}{gap}{pictures}{gap}{invitation}\n\n", words.after) if pictures else words


def _each(frames: Mapping[str, Frame], view: View, *, logprobs: int) -> Requests:
    return {rule: _one(words, view, logprobs=logprobs)[""] for rule, words in frames.items()}


def _conversation(view: View, *, logprobs: int) -> Requests:
    """The turns themselves: the policy is in the chat template of such a model."""
    text = f"{view.pictures}\n\n{view.text}" if view.pictures else view.text
    turns = [Message("user", text, view.images)]
    if view.response.strip():
        turns.append(Message("assistant", view.response))
    return {"": Request("judge", turns, None, logprobs=logprobs)}


def _frame(file: str, policy: str) -> Frame:
    path = Path(__file__).with_name(file)
    return parse_frame(path.read_text(encoding="utf-8").strip().replace("{policy}", policy), str(path))
