"""The hazard knowledge base: hazards and phrase families, read from YAML and checked."""

import hashlib
from collections import Counter
from collections.abc import Sequence, Set
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rms.assistant.embedded.grammar import PERSON_SLOTS, Person
from rms.errors import RmsError, one_line
from rms.perception.elements import ELEMENTS_FILE, Elements
from rms.store import read_list, read_yaml

FOLDER = Path(__file__).parent / "knowledge"

Phrase = Annotated[str, Field(min_length=3)]


class _Fact(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Hazard(_Fact):
    """An innocent wish that is risky where one of `triggers` is in view."""

    id: str
    category: str
    triggers: frozenset[str]
    harmless_with: frozenset[str]
    unclear: frozenset[str] = frozenset()
    intents: Annotated[tuple[Phrase, ...], Field(min_length=3)]
    risk: Phrase
    rationale: Phrase
    guidance: Phrase
    counterpart: Annotated[tuple[Phrase, ...], Field(min_length=1)]


class Template(_Fact):
    """A sentence around a wish: {do} takes the base form, {doing} the gerund."""

    text: Phrase
    person: Person = "i"


class Family(_Fact):
    """Wordings of one kind that stay together on one side of every split."""

    name: str
    criterion: str
    """The kind of variation this family makes: question, statement, persona, casual, formal, implicit."""
    templates: Annotated[tuple[Template, ...], Field(min_length=2)]


class Knowledge(_Fact):
    """Everything the embedded assistant knows."""

    hazards: tuple[Hazard, ...]
    families: tuple[Family, ...]
    alarming: tuple[str, ...]
    """Words that make a text suspicious by itself."""
    replies: tuple[Phrase, ...]
    """Openings of helpful answers to harmless texts."""
    caution: Phrase
    """The answer to a risk that cannot be named."""
    version: str
    """First digits of the sha256 of all files."""


def load_knowledge(elements: Elements, folder: Path = FOLDER) -> Knowledge:
    """Read and check the knowledge base; RmsError names the file, the entry and the fault."""
    files = [ELEMENTS_FILE, *sorted(folder.rglob("*.yaml"))]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    phrasing = read_yaml(folder / "phrasing.yaml")
    hazards = [hazard for file in sorted((folder / "hazards").glob("*.yaml")) for hazard in _entries(file, Hazard)]
    try:
        knowledge = Knowledge(
            hazards=tuple(hazards),
            families=phrasing["families"],
            alarming=phrasing["alarming"],
            replies=phrasing["replies"],
            caution=phrasing["caution"],
            version=digest[:12],
        )
    except (ValidationError, KeyError) as error:
        raise RmsError(f"{folder / 'phrasing.yaml'}: {one_line(error)}") from None
    _check(knowledge, elements.tags, folder)
    return knowledge


T = TypeVar("T", bound="_Fact")


def _entries(file: Path, kind: type[T]) -> list[T]:
    found = []
    for number, entry in enumerate(read_list(file), start=1):
        try:
            found.append(kind.model_validate(entry))
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            name = entry.get("id") or entry.get("name") if isinstance(entry, dict) else number
            raise RmsError(f"{file}: {name}: {'.'.join(map(str, fault['loc']))}: {fault['msg']}") from None
    return found


def _check(knowledge: Knowledge, tags: Set[str], folder: Path) -> None:
    """Faults that no single entry shows."""
    seen: set[str] = set()
    for hazard in knowledge.hazards:
        if hazard.id in seen:
            raise RmsError(f"{folder}/hazards: {hazard.id}: the id is given twice")
        seen.add(hazard.id)
        unknown = (hazard.triggers | hazard.harmless_with | hazard.unclear) - tags
        if unknown:
            raise RmsError(f"{folder}/hazards: {hazard.id}: no element has the tag {sorted(unknown)[0]!r}")
        if hazard.triggers & (hazard.harmless_with | hazard.unclear):
            raise RmsError(f"{folder}/hazards: {hazard.id}: a trigger is called harmless or unclear too")
    for phrase in (phrase for hazard in knowledge.hazards for phrase in (*hazard.intents, *hazard.counterpart)):
        slots = {slot.partition("}")[0] for slot in phrase.split("{")[1:]}
        if slots - PERSON_SLOTS:
            raise RmsError(f"{folder}/hazards: {phrase!r}: unknown slot {sorted(slots - PERSON_SLOTS)[0]!r}")
    _check_families(knowledge.families, folder / "phrasing.yaml")


def _check_families(families: Sequence[Family], file: Path) -> None:
    name, times = Counter(family.name for family in families).most_common(1)[0]
    if times > 1:
        raise RmsError(f"{file}: {name}: the name is given twice, which would put one family into two splits")
    for criterion, count in Counter(family.criterion for family in families).items():
        if count < 3:
            raise RmsError(f"{file}: {criterion}: {count} families; three are needed, one for each split")
    for family in families:
        slots = [template.text.count("{do}") + template.text.count("{doing}") for template in family.templates]
        if set(slots) != {1} or not any("{do}" in template.text for template in family.templates):
            raise RmsError(
                f"{file}: {family.name}: each template needs one {{do}} or {{doing}}, and one of them {{do}}"
            )
