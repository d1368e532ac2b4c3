"""A label as somebody spelled it, to a label."""

from collections.abc import Mapping

from rms.corpora.base import MISSING, Entry, EntryError
from rms.records import Label

UNSAFE_IF_TRUE: Mapping[str, Label] = {
    "safe": "safe",
    "0": "safe",
    "false": "safe",
    "unsafe": "unsafe",
    "1": "unsafe",
    "true": "unsafe",
}
SAFE_IF_TRUE: Mapping[str, Label] = {
    "safe": "safe",
    "1": "safe",
    "true": "safe",
    "yes": "safe",
    "unsafe": "unsafe",
    "0": "unsafe",
    "false": "unsafe",
    "no": "unsafe",
}
"""Spellings, in any case; numbers and booleans as well as strings that look like them."""


def spelled(entry: Entry, name: str, spellings: Mapping[str, Label] = UNSAFE_IF_TRUE) -> Label:
    """The label in field `name`; EntryError when it is missing or is none of `spellings`."""
    field = entry.field(name)
    if field.value is MISSING:
        raise EntryError(entry.fault(field, "missing_field"))
    value = field.value
    if isinstance(value, float) and value.is_integer():  # a column of numbers with a gap is read as floats
        value = int(value)
    label = spellings.get(str(value).strip().lower()) if isinstance(value, (str, int)) else None
    if label is None:
        found = f"{value!a:.80}" if value is None or isinstance(value, (str, int, float)) else type(value).__name__
        raise EntryError(entry.fault(field, "unknown_label", f"{found} is none of {', '.join(spellings)}"))
    return label
