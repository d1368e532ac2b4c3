"""Steps whose answers come hours later: in rounds they ask what they would have asked at once, and no more."""

from collections.abc import Callable, Sequence

import numpy as np
from scripted_assistant import MADE_BY, SAFE, UNSAFE, ScriptedAssistant, scene, triplet

from rms.assistant import TextDraft, Verdict, WaitsError
from rms.params import Augment
from rms.records import Candidate, TextReject
from rms.triplets.augmentation import Proposal, keep
from rms.triplets.twins import TwinMaker

Judge = Callable[[str, str], Verdict]

SETTINGS = Augment(
    variations=2, criteria=[], max_similarity=1.0, min_similarity=0.0, max_words=20, twin_tries=50,
    counterpart_share=0.3,
)  # fmt: skip
SCENES = [scene(image_id) for image_id in "abcdef"]
UNSAFE_PAIRS = [(image_id, f"t{image_id}{n}") for image_id in "abcdef" for n in range(4)]


class Later(ScriptedAssistant):
    """Answers what it was asked in an earlier round."""

    abreast = 3

    def __init__(self, together: Judge, wishes: Sequence[str] = ()) -> None:
        super().__init__(self._wait, wishes=wishes)
        self.known: dict[tuple[str, str], Verdict] = {}
        self.waiting: set[tuple[str, str]] = set()
        self._verdict = together

    def _wait(self, image_id: str, text: str) -> Verdict:
        if (image_id, text) not in self.known:
            self.waiting.add((image_id, text))
            raise WaitsError
        return self.known[image_id, text]

    def answer(self) -> int:
        """The next round may begin; how many questions wait for it."""
        count = len(self.waiting)
        self.known |= {pair: self._verdict(*pair) for pair in self.waiting}
        self.waiting = set()
        return count


def _kept(checker: ScriptedAssistant) -> list[Candidate | TextReject]:
    texts = [f"variation number {n}" for n in range(8)]
    vectors = {text: np.ones(1, dtype=np.float32) for text in ("original", *texts)}
    proposals = [Proposal("paraphrase", TextDraft(text, "rest", "")) for text in texts]
    return list(keep(checker, checker, scene("i"), triplet("i", "original"), proposals, vectors, SETTINGS, 0))


def test_no_more_variations_wait_than_may_be_kept():
    def together(_image_id: str, text: str) -> Verdict:
        return SAFE if text.endswith(("0", "2")) else UNSAFE

    later = Later(together)
    asked = []
    while True:
        outcomes = _kept(later)
        asked.append(later.answer())
        if not asked[-1]:
            break
    assert asked == [2, 1, 1, 0]
    assert outcomes == _kept(ScriptedAssistant(together))


def _twins(assistant: ScriptedAssistant) -> list[Candidate | TextReject]:
    unsafe = [
        Candidate(
            candidate_id=f"{image_id}{text}", image_id=image_id, text=text, label="unsafe", category="fire", risk="r",
            guidance="g", kind="triplet", criterion="", parent_id=text, checks=[], provenance=MADE_BY,
        )
        for image_id, text in UNSAFE_PAIRS
    ]  # fmt: skip
    maker = TwinMaker(assistant, assistant, SCENES, unsafe, SETTINGS, 0)
    return list(maker.twins((candidate, triplet(candidate.image_id, candidate.text)) for candidate in unsafe))


def _at_once(together: Judge) -> tuple[list[Candidate | TextReject], set[tuple[str, str]]]:
    """The twins where every answer is given at once, and the pairs that were asked about."""
    asked: set[tuple[str, str]] = set()

    def answered(image_id: str, text: str) -> Verdict:
        asked.add((image_id, text))
        return together(image_id, text)

    assistant = ScriptedAssistant(answered, wishes=["read", "sing"])
    assistant.abreast = Later.abreast
    return _twins(assistant), asked


def test_twins_that_are_likely_are_asked_about_in_one_round():
    def together(image_id: str, text: str) -> Verdict:
        return UNSAFE if (image_id, text) in UNSAFE_PAIRS else SAFE

    later = Later(together, wishes=["read", "sing"])
    _twins(later)
    later.answer()
    found = _twins(later)
    assert later.answer() == 0
    at_once, asked = _at_once(together)
    assert found == at_once
    assert later.known.keys() == asked


def test_twins_that_turn_out_otherwise_are_the_same_in_the_end():
    def together(image_id: str, text: str) -> Verdict:
        return UNSAFE if (ord(image_id) + len(text) + ord(text[-1])) % 3 == 0 else SAFE

    later = Later(together, wishes=["read", "sing"])
    found = _twins(later)
    while later.answer():
        found = _twins(later)
    at_once, asked = _at_once(together)
    assert found == at_once
    assert asked <= later.known.keys()
    assert len(later.known) < 1.5 * len(asked)
