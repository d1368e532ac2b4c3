"""Prompts: one file per task, checked when loaded, rendered into requests.

The templates of a file are the only templates there are. What a model said, and what was said of a picture, are
values: they go through no template, and `quoted` keeps them inside one JSON string.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from jinja2 import StrictUndefined, Template, TemplateError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rms.assistant.openai import answers
from rms.assistant.openai.request import Message, Request
from rms.errors import RmsError, one_line
from rms.seeds import content_id
from rms.store import read_yaml

FOLDER = Path(__file__).parent / "prompts"

_SCENE = ("caption", "elements")


class Task(NamedTuple):
    """What a prompt is given, all of which its `user` template must use, and the answer it asks for."""

    answer: type[BaseModel]
    variables: tuple[str, ...]


TASKS: Mapping[str, Task] = {
    "describe": Task(answers.DescribeAnswer, ("language", "count")),
    "propose_patterns": Task(answers.PatternsAnswer, ("language", "count", *_SCENE)),
    "propose_triplets": Task(answers.TripletsAnswer, ("language", "count", *_SCENE, "patterns")),
    "check_image": Task(answers.VerdictAnswer, _SCENE),
    "check_text": Task(answers.VerdictAnswer, ("text",)),
    "check_together": Task(answers.VerdictAnswer, (*_SCENE, "text")),
    "rewrite": Task(answers.TextsAnswer, ("language", "count", *_SCENE, "text", "risk", "criterion", "criteria")),
    "word": Task(answers.TextAnswer, ("language", *_SCENE, "wish")),
    "harmless_twin": Task(answers.WishesAnswer, ("language", "count", *_SCENE, "text", "risk")),
    "guide": Task(answers.GuideAnswer, ("language", *_SCENE, "text", "label")),
}

_EVERYWHERE = ("language", "criteria")
"""Variables known when prompts are loaded."""


class _Example(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    variables: dict[str, Any]
    answer: dict[str, Any]


class _File(BaseModel):
    """A prompt file as written."""

    model_config = ConfigDict(extra="forbid", strict=True)

    version: Annotated[int, Field(ge=1)]
    system: Annotated[str, Field(min_length=1)]
    user: Annotated[str, Field(min_length=1)]
    examples: list[_Example]
    criteria: dict[str, str] = {}


class _Prompt(NamedTuple):
    """A prompt ready for use: what every request opens with, and the template of what differs."""

    file: Path
    opening: tuple[Message, ...]
    user: Template
    schema: Mapping[str, Any]


class Prompts:
    """The prompts of all tasks in one language.

    `version` names their content, comments aside; `criteria` says, by name, how a text is varied.
    """

    def __init__(self, prompts: Mapping[str, _Prompt], version: str, criteria: Mapping[str, str], language: str):
        self.version = version
        self.criteria = criteria
        self._prompts = prompts
        self._known = {"language": language, "criteria": criteria}

    def render(self, task: str, images: Sequence[bytes] = (), **variables: object) -> Request:
        """The request for one task; RmsError names the file and the variable that is missing."""
        prompt = self._prompts[task]
        values = {name: self._known[name] for name in _EVERYWHERE if name in TASKS[task].variables} | variables
        text = _rendered(prompt.user, values, prompt.file)
        return Request(task, (*prompt.opening, Message("user", text, tuple(images))), prompt.schema)


def load_prompts(folder: Path = FOLDER, language: str = "English") -> Prompts:
    """Read and check the prompt files of a folder; RmsError names the file and the fault."""
    strays = sorted({path.stem for path in folder.glob("*.yaml")} - TASKS.keys())
    if strays:
        raise RmsError(f"{folder / strays[0]}.yaml: no such task; there are {', '.join(TASKS)}")
    environment = _environment()
    files = {task: _read(folder / f"{task}.yaml", task) for task in TASKS}
    criteria = files["rewrite"].criteria
    known = {"language": language, "criteria": criteria}
    prompts = {task: _prepare(environment, folder / f"{task}.yaml", task, file, known) for task, file in files.items()}
    version = content_id(language, *(f"{task}\n{file.model_dump_json()}" for task, file in files.items()))
    return Prompts(prompts, version, criteria, language)


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined,
        autoescape=False,  # a prompt is text, not HTML
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.clear()
    environment.filters["quoted"] = _quoted
    return environment


def _quoted(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)  # str: what is undefined says so


def _read(path: Path, task: str) -> _File:
    try:
        file = _File.model_validate(read_yaml(path))
    except ValidationError as error:
        raise RmsError(f"{path}: {_fault(error)}") from None
    if bool(file.criteria) != ("criteria" in TASKS[task].variables):
        raise RmsError(f"{path}: criteria: {'only rewrite has them' if file.criteria else 'none given'}")
    return file


def _prepare(
    environment: ImmutableSandboxedEnvironment, path: Path, task: str, file: _File, known: Mapping[str, Any]
) -> _Prompt:
    """A prompt whose templates were checked and whose unchanging part is rendered.

    System and examples do not differ between requests: endpoints charge less for an opening they have seen before.
    """
    wanted = TASKS[task]
    system = _template(environment, file.system, {"language"}, path, "system")
    user = _template(environment, file.user, set(wanted.variables), path, "user")
    used = meta.find_undeclared_variables(environment.parse(file.user))
    unused = [name for name in wanted.variables if name not in used]
    if unused:
        raise RmsError(f"{path}: user: {unused[0]}: this variable is missing; {task} cannot do without it")
    opening = [Message("system", _rendered(system, {"language": known["language"]}, path))]
    for number, example in enumerate(file.examples, start=1):
        where = f"{path}: examples: {number}"
        values = {"criteria": known["criteria"]} if "criteria" in wanted.variables else {}
        values |= example.variables
        for name in sorted(values.keys() ^ set(wanted.variables)):
            raise RmsError(f"{where}: {name}: {'unknown' if name in values else 'missing'} variable")
        try:
            answer = wanted.answer.model_validate(example.answer)
        except ValidationError as error:
            raise RmsError(f"{where}: answer: {_fault(error)}") from None
        opening.append(Message("user", _rendered(user, values, path)))
        opening.append(Message("assistant", answer.model_dump_json()))
    return _Prompt(path, tuple(opening), user, answers.json_schema(wanted.answer))


def _template(
    environment: ImmutableSandboxedEnvironment, source: str, allowed: set[str], path: Path, field: str
) -> Template:
    try:
        unknown = sorted(meta.find_undeclared_variables(environment.parse(source)) - allowed)
        template = environment.from_string(source)
    except TemplateError as error:
        raise RmsError(f"{path}: {field}: {one_line(error)}") from None
    if unknown:
        raise RmsError(f"{path}: {field}: {unknown[0]}: unknown variable; known are {', '.join(sorted(allowed))}")
    return template


def _rendered(template: Template, values: Mapping[str, Any], path: Path) -> str:
    try:
        return template.render(values).strip()
    except (TemplateError, TypeError, ValueError, ArithmeticError) as error:  # what a template's own sums can raise
        raise RmsError(f"{path}: {one_line(error)}") from None


def _fault(error: ValidationError) -> str:
    fault = error.errors(include_url=False)[0]
    return f"{'.'.join(map(str, fault['loc'])) or 'the whole file'}: {one_line(fault['msg'])}"
