"""The first fault of a configuration, in words that say what, where and what is allowed."""

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from rms.errors import one_line
from rms.params.section import Section


def first_fault(error: ValidationError, values: dict[str, Any], root: type[Section]) -> str:
    """What is wrong with `values`, which are no `root`."""
    fault = error.errors(include_url=False)[0]
    path = _path_in(fault["loc"], values)
    key = ".".join(map(str, path)) or "the whole file"
    match fault["type"]:
        case "extra_forbidden":
            known = ", ".join(sorted(_siblings(path, root)))
            return f"{key}: unknown key; known here: {known}"
        case "missing":
            return f"{key}: missing; run `rms params` to compose a complete file"
        case "union_tag_invalid":
            allowed = fault["ctx"]["expected_tags"]
            return f"{key}.kind = {fault['ctx']['tag']!r}: must be one of {allowed}"
        case "union_tag_not_found":
            return f"{key}.kind: missing; it says which kind of {path[-1]} this is"
    message = fault["msg"].removeprefix("Value error, ")
    # Where a key's name belongs some write the key itself.
    shown = "" if isinstance(fault["input"], dict) or path[-1:] == ("api_key_env",) else f" = {fault['input']!r}"
    return f"{key}{shown}: {one_line(message[0].lower() + message[1:])}"


def not_given(values: Any, prefix: str = "") -> Iterator[str]:
    """Dotted keys whose value is Hydra's mark for 'to be given', which DVC writes out as plain text."""
    items = values.items() if isinstance(values, dict) else enumerate(values) if isinstance(values, list) else ()
    for key, value in items:
        name = f"{prefix}{key}"
        if value == "???":
            yield name
        else:
            yield from not_given(value, f"{name}.")


def _path_in(location: tuple[int | str, ...], values: Any) -> tuple[int | str, ...]:
    """`location` without the tags that pydantic puts in for the chosen member of a union."""
    path: list[int | str] = []
    for position, part in enumerate(location):
        last = position == len(location) - 1
        tag = isinstance(values, dict) and part not in values and values.get("kind") == part
        if tag and not last:
            continue
        path.append(part)
        if isinstance(values, dict):
            values = values.get(part)
        elif isinstance(values, list) and isinstance(part, int):
            values = values[part] if part < len(values) else None
    return tuple(path)


def _siblings(path: tuple[int | str, ...], root: type[Section]) -> set[str]:
    """Names the model knows at the level of `path`'s last key, over every member of a union."""
    models: list[type[Section]] = [root]
    for part in path[:-1]:
        models = [
            member
            for model in models
            if part in model.model_fields
            for member in _section_types(model.model_fields[part].annotation)
        ]
    return {name for model in models for name in model.model_fields}


def _section_types(annotation: Any) -> list[type[Section]]:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return [annotation]
    arguments = getattr(annotation, "__args__", ())
    return [found for argument in arguments for found in _section_types(argument)]
