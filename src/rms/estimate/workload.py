"""How many questions a run will ask, by stage and task: the stages' own way of asking, in expected numbers.

What is asked twice counts once, as in the run: the image alone once for each photograph, a text alone once for
each text. Nothing is deducted for answers that the cache already holds.
"""

from typing import Literal, NamedTuple

from rms.estimate.assumptions import Rates
from rms.params import Params

Role = Literal["assistant", "checker"]

CHECKS = ("check_image", "check_text", "check_together")


class Work(NamedTuple):
    """Questions of one task in one stage."""

    stage: str
    task: str
    questions: float
    items: float = 0.0
    """Things in each answer, where it is a list."""

    @property
    def role(self) -> Role:
        """Who is asked."""
        return "checker" if self.task in CHECKS else "assistant"


def workload(params: Params, photographs: int, rates: Rates) -> list[Work]:
    """The expected questions of `patterns`, `generate` and `augment`, votes not yet counted."""
    n = float(photographs)
    inspired = min(n, params.patterns.inspiration or n)
    nearest = params.generate.nearest
    near_of_inspired = nearest * rates.near_new
    others = near_of_inspired * inspired + nearest * (n - inspired)
    asked_near = min(1.0, near_of_inspired) * inspired + min(1, nearest) * (n - inspired)
    own_texts = min(params.generate.per_image, rates.patterns) * rates.own_texts * inspired
    near_texts = others * rates.near_texts
    drafts = own_texts + near_texts
    alone = drafts * rates.image_safe
    together = alone * rates.text_safe
    triplets = together * rates.together_unsafe
    return [
        Work("patterns", "describe", inspired),
        Work("patterns", "propose_patterns", inspired, rates.patterns),
        Work("generate", "describe", n - inspired),
        Work("generate", "propose_triplets", inspired, own_texts / inspired),
        Work("generate", "propose_triplets", asked_near, near_texts / asked_near if asked_near else 0.0),
        Work("generate", "check_image", min(n, drafts)),
        Work("generate", "check_text", alone),
        Work("generate", "check_together", together),
        *_augment(params, triplets, n, rates),
    ]


def _augment(params: Params, triplets: float, photographs: float, rates: Rates) -> list[Work]:
    settings = params.augment
    proposed = len(settings.criteria) * rates.rewrites
    tried = min(proposed, settings.variations / rates.rewrite_kept)  # no more are checked once enough are kept
    kept = min(settings.variations, proposed * rates.rewrite_kept)
    unsafe = triplets * (1 + kept)
    twins = _twins(params, unsafe, photographs, rates)
    return [
        Work("augment", "rewrite", triplets * len(settings.criteria), rates.rewrites),
        Work("augment", "check_text", triplets * tried + unsafe * twins.texts),
        Work("augment", "check_together", triplets * tried * rates.rewrite_text_safe + unsafe * twins.together),
        Work("augment", "harmless_twin", unsafe * twins.wished, rates.wishes),
        Work("augment", "word", unsafe * twins.wished * rates.wishes),
        Work("augment", "guide", unsafe * (1 + twins.found)),
    ]


class _Twins(NamedTuple):
    """Of the search for one twin: how often wishes are asked for, texts and pairs checked, and twins found."""

    wished: float
    texts: float
    together: float
    found: float


def _twins(params: Params, unsafe: float, photographs: float, rates: Rates) -> _Twins:
    """Other photographs, then other texts, then a wish; for a drawn share the wish comes first.

    Candidates come from the same split, of which small runs have hardly any in validation and test.
    """
    settings, images = params.augment, params.images
    shares = (1 - images.validation_share - images.test_share, images.validation_share, images.test_share)
    p = rates.harmless_elsewhere
    by_wish = _search(rates.wishes, rates.wish_harmless)
    wished = texts = together = found = 0.0
    for share in shares:
        elsewhere = _search(min(settings.twin_tries, max(0.0, share * photographs - 1)), p)
        other_texts = _search(min(settings.twin_tries, share * unsafe), p)
        tried = elsewhere.tried + (1 - elsewhere.found) * other_texts.tried
        missed = (1 - elsewhere.found) * (1 - other_texts.found)
        first, last = settings.counterpart_share, 1 - settings.counterpart_share
        asked = first + last * missed
        wished += share * asked
        texts += share * asked * by_wish.tried
        together += share * (asked * by_wish.tried + (last + first * (1 - by_wish.found)) * tried)
        found += share * (1 - missed * (1 - by_wish.found))
    return _Twins(wished, texts, together, found)


class _Search(NamedTuple):
    tried: float
    found: float


def _search(candidates: float, likely: float) -> _Search:
    """Trials until the first success, and how likely there is one, among so many candidates."""
    found = 1 - (1 - likely) ** candidates
    return _Search(found / likely, found)
