"""The least JSON value that a JSON schema accepts, for a server that must answer questions it does not understand."""

import json
from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

NAME = "@NAME@"
"""Stands in every free string of an instance; an answer puts the question's own name there."""


def instance(schema: Schema, root: Schema | None = None) -> Any:
    """A value that `schema` accepts; references are looked up in `root`. Patterns and formats are not known."""
    root = schema if root is None else root
    if "$ref" in schema:
        return instance(_referred(schema["$ref"], root), root)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    for union in ("anyOf", "oneOf"):
        if union in schema:
            return instance(next((one for one in schema[union] if one.get("type") != "null"), schema[union][0]), root)
    if "allOf" in schema:
        return instance(schema["allOf"][0], root)
    kind = schema.get("type", "object" if "properties" in schema else "null")
    return _plain(kind[0] if isinstance(kind, list) else kind, schema, root)


def _plain(kind: str, schema: Schema, root: Schema) -> Any:
    match kind:
        case "object":
            return {name: instance(part, root) for name, part in schema.get("properties", {}).items()}
        case "array":
            count = min(schema.get("maxItems", 1), 1)
            return [instance(schema.get("items", {}), root)] * max(count, schema.get("minItems", 0))
        case "string":
            text = f"A short answer about {NAME}."
            room = schema.get("maxLength", 200)
            return text.ljust(schema.get("minLength", 0), ".") if room > 60 else "A short answer."[:room]
        case "boolean":
            return True
        case "integer" | "number":
            return _number(kind, schema)
        case _:
            return None


def _number(kind: str, schema: Schema) -> Any:
    if "minimum" in schema:
        return float(schema["minimum"]) if kind == "number" else int(schema["minimum"])
    if "exclusiveMinimum" in schema:
        low = schema["exclusiveMinimum"]
        return low + 1 if kind == "integer" else (low + schema.get("maximum", low + 2)) / 2
    return schema.get("maximum", 1)


def _referred(reference: str, root: Schema) -> Any:
    found: Any = root
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


_SUBJECTS = ("a boat", "breakfast", "the neighbours", "a long letter", "red paint", "the night train", "music", "rain")


def lengthened(text: str, items: int) -> str:
    """A JSON answer with so many items in each list, each about something else."""
    value = json.loads(text)
    for name, content in value.items():
        if isinstance(content, list):
            plain = json.dumps(content[0])
            about = [subject for subject, _ in zip(_SUBJECTS, range(items), strict=False)]
            value[name] = [json.loads(plain.replace(NAME, f"{subject} and {NAME}")) for subject in about]
    return json.dumps(value)


def find_schema(text: str) -> Schema | None:
    """The first JSON object in `text` that looks like a schema: a prompt gives it where no other way is known."""
    reader = json.JSONDecoder()
    start = text.find("{")
    while start >= 0:
        try:
            value, _ = reader.raw_decode(text, start)
        except ValueError:
            value = None
        if isinstance(value, dict) and "properties" in value:
            return value
        start = text.find("{", start + 1)
    return None
