"""The answers an endpoint may give, one model per kind of question, and their JSON schemas.

Lengths are bounded here and not in the schemas, since strict modes refuse such keywords. A blank entry of a list is
allowed in and dropped later, so that one bad line does not cost the good ones beside it.
"""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from rms import records

Line = Annotated[str, Field(max_length=1000)]
"""An entry of a list; may turn out blank."""
Name = Annotated[str, Field(max_length=100)]
"""A few words; may turn out blank."""
Prose = Annotated[str, Field(min_length=1, max_length=4000)]
"""What an answer is about; never blank."""

_KEPT = ("type", "enum", "description")


class Answer(BaseModel):
    """Base of all answers: no unknown key, no wrong type, no blank around a text."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, str_strip_whitespace=True)


class ElementAnswer(Answer):
    name: Name
    confidence: records.Probability
    tags: Annotated[list[Name], Field(max_length=30)]


class DescribeAnswer(Answer):
    caption: Prose
    elements: Annotated[list[ElementAnswer], Field(max_length=50)]


class PatternAnswer(Answer):
    element: Name
    intent: Line
    risk: Line
    category: Name


class PatternsAnswer(Answer):
    patterns: Annotated[list[PatternAnswer], Field(max_length=50)]


class TripletAnswer(Answer):
    pattern: Annotated[int, Field(description="Number of the pattern in the list that was given, from 1.")]
    text: Line
    risk: Line
    category: Name
    rationale: Line


class TripletsAnswer(Answer):
    triplets: Annotated[list[TripletAnswer], Field(max_length=100)]


class VerdictAnswer(Answer):
    """The reason comes first, so that the verdict follows from it and not the other way round."""

    reason: Prose
    verdict: records.Verdict
    probability: Annotated[
        records.Probability, Field(description="Probability of unsafe: 0 is surely safe, 1 is surely unsafe.")
    ]


class TextsAnswer(Answer):
    texts: Annotated[list[Line], Field(max_length=50)]


class TextAnswer(Answer):
    text: Annotated[str, Field(min_length=1, max_length=1000)]


class WishesAnswer(Answer):
    wishes: Annotated[list[Line], Field(max_length=50)]


class GuideAnswer(Answer):
    guidance: Prose


@cache
def json_schema(kind: type[BaseModel]) -> Mapping[str, Any]:
    """The schema of `kind` in the form that strict modes take; the same object each time, to be left as it is.

    References are written out, every key is required, and of the keywords only those are kept that all servers know.
    """
    whole = kind.model_json_schema()
    return {"title": kind.__name__, **_strict(whole, whole.get("$defs", {}))}


def _strict(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        return _strict(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    kept = {key: schema[key] for key in _KEPT if key in schema}
    match schema["type"]:
        case "object":
            kept.pop("description", None)  # the docstring, which speaks to readers of the code
            kept["properties"] = {name: _strict(part, definitions) for name, part in schema["properties"].items()}
            kept["required"] = list(schema["properties"])
            kept["additionalProperties"] = False
        case "array":
            kept["items"] = _strict(schema["items"], definitions)
    return kept
