"""From a wish to a sentence, with wordings that no two splits share."""

from collections.abc import Sequence
from typing import NamedTuple, get_args

from rms.assistant.embedded.grammar import gerund, person
from rms.assistant.embedded.knowledge import Family, Template
from rms.assistant.interface import TextDraft
from rms.english import capitals
from rms.records import Split
from rms.seeds import stream

SPLITS: tuple[Split, ...] = get_args(Split)


class Phrasing(NamedTuple):
    """The phrase families, partitioned by split within each criterion."""

    by_split: dict[Split, tuple[Family, ...]]
    seed: int

    def families(self, split: Split, criterion: str | None = None) -> list[Family]:
        """The families a split may use, of one criterion or of all."""
        return [family for family in self.by_split[split] if criterion in (None, family.criterion)]

    def word(self, intent: str, split: Split, criterion: str | None, *names: str) -> TextDraft:
        """`intent` in one sentence of a family of `split`; the choice depends on the seed and `names` only."""
        draw = stream(self.seed, "phrasing", split, criterion, intent, *names)
        family = draw.choice(self.families(split, criterion))
        fitting = [text for text in (sentence(template, intent) for template in family.templates) if text]
        return TextDraft(draw.choice(fitting), person(intent, "i"), family.name)


def partition(families: Sequence[Family], seed: int) -> Phrasing:
    """Give each split at least one family of every criterion: one for validation, one for test, the rest train."""
    by_split: dict[Split, list[Family]] = {split: [] for split in SPLITS}
    for criterion in dict.fromkeys(family.criterion for family in families):
        members = [family for family in families if family.criterion == criterion]
        stream(seed, "families", criterion).shuffle(members)
        by_split["test"].append(members[0])
        by_split["validation"].append(members[1])
        by_split["train"].extend(members[2:])
    return Phrasing({split: tuple(members) for split, members in by_split.items()}, seed)


def sentence(template: Template, intent: str) -> str | None:
    """The template filled with the wish, or None where the wish has no gerund and the template needs one."""
    doing = gerund(intent)
    if "{doing}" in template.text and doing is None:
        return None
    filled = template.text.replace("{doing}", doing or "").replace("{do}", intent)
    return capitals(person(filled, template.person))
