"""An estimate from a few photographs: the stages' own steps are done on them, and what they take is scaled up.

Answers go through the cache like any others, so that the run itself finds most of them there.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rms.assistant import NoAnswerError, Scene
from rms.errors import RmsError
from rms.estimate.forecast import Forecast, Took
from rms.estimate.meter import Meter
from rms.params import Params
from rms.pictures import Pictures
from rms.progress import track
from rms.records import Candidate, ImageInfo, Pattern, TextReject, Triplet
from rms.seeds import numpy_stream
from rms.store import read_table
from rms.triplets.augmentation import vary
from rms.triplets.generation import generate
from rms.triplets.patterns import discover, inspiration_order, merge, nearest
from rms.triplets.rejects import UNANSWERED, sieve
from rms.triplets.twins import TwinMaker

IMAGES = Path("data/images/images")

_RESAMPLES = 1000
_TAILS = (5.0, 95.0)
_SPREAD = 1.25
"""The range is never narrower than by this factor: merging patterns and searching for twins change with scale."""


def sampled(params: Params, size: int, photographs: int) -> Forecast:
    """Measure `size` of those collected, for a run over so many `photographs`; RmsError where nothing can be asked."""
    if not IMAGES.is_dir():
        raise RmsError(f"{IMAGES}: not found; photographs are asked about once they are collected: dvc repro collect")
    order = inspiration_order([info.image_id for info in read_table(IMAGES, ImageInfo)], params.seed)
    inspired = min(photographs, params.patterns.inspiration or photographs)
    limit = min(len(order), params.patterns.inspiration or len(order))
    size = min(size, len(order))
    share = min(limit, max(1, round(size * inspired / photographs)))  # patterns are looked for in so many of the sample
    others = order[limit:] or order[share:]
    chosen = [*order[:share], *others[: size - share]]
    sample = _Sample(params)
    scale = _Scale(sample.measure(chosen, share), chosen, chosen[:share], inspired, photographs)
    low, high = scale.range(params.seed)
    lost = f" ({sample.lost} questions had no answer)" if sample.lost else ""
    none = " No text passed its checks, so what augment takes is not known: take more photographs."
    how = (
        f"Scaled up from {len(chosen)} photographs that were asked about{lost}; answers found in the cache count as "
        "asked. The range is what other samples of this size would say (90%), and no less than a quarter."
        f"{'' if sample.triplets else none}"
    )
    return Forecast(scale.stages(), min(low, 1 / _SPREAD), max(high, _SPREAD), how)


Steps = Mapping[str, Mapping[str, Took]]
"""What each step took, by image id; a photograph that a step did not come to is not in it."""


class _Sample:
    """The steps of the stages, one photograph at a time."""

    def __init__(self, params: Params) -> None:
        self._params = params
        self._meter = Meter(params)
        self._pictures = Pictures(IMAGES)
        self._rejects: list[TextReject] = []
        self._scenes: dict[str, Scene] = {}
        self._undescribed = 0
        self.triplets = 0
        """Texts that passed their checks."""

    @property
    def lost(self) -> int:
        """Questions without an answer."""
        return self._undescribed + sum(reject.failed == UNANSWERED for reject in self._rejects)

    def measure(self, chosen: Sequence[str], inspired: int) -> Steps:
        """All steps on `chosen`; patterns are looked for in the first `inspired`."""
        describe = self._describe(chosen)
        find, own, patterns = self._find(chosen[:inspired])
        making, triplets = self._generate(own, patterns)
        vary, unsafe = self._vary(triplets)
        twins = self._twins(triplets, unsafe)
        augment = {image_id: vary[image_id].plus(twins[image_id]) for image_id in self._scenes}
        return {"describe": describe, "find": find, "generate": making, "augment": augment}

    def _describe(self, chosen: Sequence[str]) -> dict[str, Took]:
        took, last = {}, ""
        for image_id in track(chosen, "describe"):
            try:  # all as of one split, so that they can be each other's twins
                description = self._meter.proposer.describe(image_id, self._pictures[image_id])
                self._scenes[image_id] = Scene(description, "train", self._pictures)
            except NoAnswerError as error:
                self._undescribed += 1
                last = error.error
            took[image_id] = self._meter.since()
        if not self._scenes:
            raise RmsError(f"none of {len(chosen)} photographs could be described, so nothing can be estimated: {last}")
        return took

    def _find(self, chosen: Sequence[str]) -> tuple[dict[str, Took], dict[str, list[Pattern]], list[Pattern]]:
        took, drafts = {}, []
        for image_id in track([one for one in chosen if one in self._scenes], "find patterns"):
            drafts += list(discover(self._meter.proposer, [self._scenes[image_id]], self._rejects))
            took[image_id] = self._meter.since()
        found = merge(drafts, self._params.patterns.merge_similarity, min_support=1)  # few photographs share patterns
        named = {pattern.pattern_id: pattern for pattern in found.patterns}
        return took, {image: [named[one] for one in ids] for image, ids in found.by_image.items()}, found.patterns

    def _generate(
        self, own: Mapping[str, Sequence[Pattern]], patterns: Sequence[Pattern]
    ) -> tuple[dict[str, Took], dict[str, list[Triplet]]]:
        settings = self._params.generate
        near = nearest([scene.description for scene in self._scenes.values()], patterns, settings.nearest)
        took, triplets = {}, {}
        for image_id, scene in track(self._scenes.items(), "generate"):
            made = generate(
                self._meter.proposer, self._meter.checker, [scene], own, near, settings.per_image, self._params.seed
            )
            triplets[image_id] = list(sieve(made, Triplet, self._rejects))
            self.triplets += len(triplets[image_id])
            took[image_id] = self._meter.since()
        return took, triplets

    def _vary(self, triplets: Mapping[str, Sequence[Triplet]]) -> tuple[dict[str, Took], dict[str, list[Candidate]]]:
        took, unsafe = {}, {}
        for image_id, made in track(triplets.items(), "vary"):
            varied = vary(
                self._meter.proposer, self._meter.checker, self._scenes.values(), made, self._params.augment,
                self._params.seed,
            )  # fmt: skip
            unsafe[image_id] = list(sieve(varied, Candidate, self._rejects))
            took[image_id] = self._meter.since()
        return took, unsafe

    def _twins(
        self, triplets: Mapping[str, Sequence[Triplet]], unsafe: Mapping[str, Sequence[Candidate]]
    ) -> dict[str, Took]:
        parents = {triplet.triplet_id: triplet for made in triplets.values() for triplet in made}
        everything = [candidate for made in unsafe.values() for candidate in made]
        maker = TwinMaker(
            self._meter.checker, self._meter.proposer, self._scenes.values(), everything, self._params.augment,
            self._params.seed,
        )  # fmt: skip
        took = {}
        for image_id, made in track(unsafe.items(), "harmless twins"):
            pairs = [(candidate, parents[candidate.parent_id]) for candidate in made]
            for _ in sieve(maker.twins(pairs), Candidate, self._rejects):
                pass
            took[image_id] = self._meter.since()
        return took


class _Scale(NamedTuple):
    """From a sample to the whole run."""

    steps: Steps
    chosen: Sequence[str]
    finders: Sequence[str]
    """Of `chosen`, those that patterns were looked for in."""
    inspired: int
    """Photographs of the run that patterns will be looked for in."""
    photographs: int

    def stages(self) -> dict[str, Took]:
        """What each stage takes if all photographs are like these."""
        describe = self._mean("describe", self.chosen)
        others = self.photographs - self.inspired
        return {
            "patterns": describe.plus(self._mean("find", self.finders)).times(self.inspired),
            "generate": describe.times(others).plus(self._mean("generate", self.chosen).times(self.photographs)),
            "augment": self._mean("augment", self.chosen).times(self.photographs),
        }

    def range(self, seed: int) -> tuple[float, float]:
        """Shares of the total between which 90% of samples of this size lie, by bootstrap over the photographs."""
        draw = numpy_stream(seed, "estimate")
        weights = []
        for _ in range(_RESAMPLES):
            chosen = [str(one) for one in draw.choice(self.chosen, len(self.chosen))]
            finders = [str(one) for one in draw.choice(self.finders, len(self.finders))]
            weights.append(_weight(self._replace(chosen=chosen, finders=finders).stages()))
        low, high = np.percentile(weights, _TAILS) / max(_weight(self.stages()), 1e-9)
        return float(low), float(high)

    def _mean(self, step: str, images: Sequence[str]) -> Took:
        whole = Took()
        for image_id in images:
            whole = whole.plus(self.steps[step].get(image_id, Took()))
        return whole.times(1 / len(images))


def _weight(stages: Mapping[str, Took]) -> float:
    """What is compared: US dollars where they are known, else tokens."""
    usd = [took.usd for took in stages.values()]
    if any(usd) and None not in usd:
        return sum(value for value in usd if value is not None)
    return sum(took.input_tokens + took.output_tokens for took in stages.values())
