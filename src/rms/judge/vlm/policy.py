"""The policy: what counts as unsafe, by category. A text file, part of every prompt and saved with the judge."""

import hashlib
import re
from pathlib import Path
from typing import NamedTuple

from rms.errors import RmsError, one_line

CATEGORIES = (
    "allergy", "animals", "burns", "child_safety", "discrimination", "drowning", "electrical", "environment", "falls",
    "fire", "fraud", "hygiene", "injury", "law", "medication", "poisoning", "privacy", "property", "self_harm",
    "traffic", "weapons",
)  # fmt: skip
"""What the data is labelled with; a policy says of each when it makes a pair unsafe, and may name more."""

_ENTRY = re.compile(r"^- ([a-z_]+):(.*)$", re.MULTILINE)


class Policy(NamedTuple):
    """The text of a policy and its version."""

    text: str
    version: str


def read_policy(file: Path) -> Policy:
    """The policy in `file`, checked; RmsError names the category that is missing, empty or given twice."""
    text = policy_text(file)
    check_policy(text, str(file))
    return Policy(text, policy_version(text))


def policy_text(file: Path) -> str:
    """The policy in `file` as it is: some forms of asking have categories of their own."""
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise RmsError(f"{file}: the policy (judge.policy) cannot be read: {one_line(error)}") from None


def policy_version(text: str) -> str:
    """First digits of the sha256."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def check_policy(text: str, where: str) -> None:
    """RmsError unless each category has one line `- category: when it is unsafe`."""
    entries = [(name, said.strip()) for name, said in _ENTRY.findall(text)]
    names = [name for name, _ in entries]
    for category in CATEGORIES:
        if category not in names:
            raise RmsError(f"{where}: no line for the category {category!r}; add '- {category}: when it is unsafe'")
    for name, said in entries:
        if not said:
            raise RmsError(f"{where}: {name}: says nothing; write when it is unsafe behind the colon")
        if names.count(name) > 1:
            raise RmsError(f"{where}: {name}: has two lines; keep one")
