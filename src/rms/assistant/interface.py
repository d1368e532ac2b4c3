"""What every assistant can do."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from rms import params as settings
from rms import records
from rms.assistant.books import Books
from rms.pictures import Pictures
from rms.records import Description, Label, Pattern, Split, Triplet


class Scene(NamedTuple):
    """An image as later steps know it: its description, its split, and where its picture can be looked up."""

    description: Description
    split: Split
    pictures: Pictures

    @property
    def image_id(self) -> str:
        return self.description.image_id

    @property
    def image(self) -> bytes:
        """The encoded picture, read when asked for, so that scenes are cheap to hold by the thousand."""
        return self.pictures[self.image_id]


class PatternDraft(NamedTuple):
    """One pattern found in one image: scene element x innocent intent -> latent risk."""

    element: str
    intent: str
    risk: str
    category: str


class TextDraft(NamedTuple):
    """A worded text, its wish, and the closed family of wordings it was taken from ("" if there is none)."""

    text: str
    intent: str
    family: str


class TripletDraft(NamedTuple):
    """A proposed text for an image, with the risk it is meant to carry."""

    draft: TextDraft
    pattern_id: str
    risk: str
    category: str
    rationale: str


class Verdict(NamedTuple):
    """What a checker says, with its probability of unsafe and the reason in a few words."""

    verdict: records.Verdict
    score: float
    reason: str


def storable(text: str) -> str:
    """`text` with what no file can hold replaced: endpoints do send lone surrogates."""
    return text.encode("utf-8", "replace").decode()


class NoAnswerError(Exception):
    """One question could not be answered; others may be. `raw` is the last thing that came back.

    Both are made `storable`.
    """

    def __init__(self, error: str, raw: str = "") -> None:
        self.error, self.raw = storable(error), storable(raw)
        super().__init__(self.error)


class WaitsError(NoAnswerError):
    """No answer yet: the question waits for others to be sent with."""

    def __init__(self) -> None:
        super().__init__("waits for a batch")


class Waiting(Protocol):
    """Questions whose answers take hours."""

    def submit(self) -> None:
        """Send them off."""

    def collect(self) -> None:
        """Return when their answers are where a stage that runs again finds them."""


class Assistant(Protocol):
    """An implementation is told the split of a scene so that it can keep its wordings apart by split.

    Whatever asks a model may raise NoAnswerError.
    """

    name: str
    model: str
    version: str
    criteria: tuple[str, ...]
    """Names of the ways it can vary a text."""
    workers: int
    """How many records it is asked about side by side; no result depends on it."""
    abreast: int
    """How many records may be begun before the outcome of the first is known, where each is chosen by what came of
    the ones before. Results do depend on it: a constant, never a setting."""

    def settle(self) -> Waiting | None:
        """The questions that wait, where any do; nothing more is asked then but by a stage that runs anew."""

    def describe(self, image_id: str, image: bytes) -> Description:
        """What is in the picture."""

    def propose_patterns(self, scene: Scene) -> list[PatternDraft]:
        """Innocent intents that would carry a risk in this scene."""

    def propose_triplets(self, scene: Scene, patterns: Sequence[Pattern], count: int) -> list[TripletDraft]:
        """At most `count` texts for the scene, after `patterns` (its own and its nearest)."""

    def check_image(self, scene: Scene) -> Verdict:
        """Is the image safe alone?"""

    def expect(self, texts: Sequence[str]) -> None:
        """Told of texts that will be checked next, so that work on them can be done in one go."""

    def check_text(self, text: str) -> Verdict:
        """Is the text safe alone?"""

    def check_together(self, scene: Scene, text: str) -> Verdict:
        """Are image and text safe together?"""

    def rewrite(self, scene: Scene, triplet: Triplet, criterion: str) -> list[TextDraft]:
        """Variations of a triplet's text under one of `criteria`, best first."""

    def word(self, scene: Scene, intent: str) -> TextDraft:
        """The wish `intent` worded for this scene."""

    def harmless_wishes(self, scene: Scene, triplet: Triplet) -> list[str]:
        """Wishes about the same scene that carry no risk, close to the triplet's in vocabulary."""

    def guide(self, scene: Scene, text: str, label: Label) -> str:
        """A response that names the risk and offers a safe way, or simply helps where there is none."""


class Pair(NamedTuple):
    """Who proposes and who checks; one and the same where params.yaml says the same of both."""

    proposer: Assistant
    checker: Assistant


def load_assistants(params: settings.Params, books: Books) -> Pair:
    """The assistants that `assistant:` and `checker:` in params.yaml ask for; both enter what they take in `books`."""
    proposer = load_assistant(params.assistant, params.seed, books)
    same = params.checker == params.assistant
    return Pair(proposer, proposer if same else load_assistant(params.checker, params.seed, books))


def load_assistant(choice: settings.Assistant, seed: int, books: Books) -> Assistant:
    """The assistant that `assistant:` or `checker:` in params.yaml asks for."""
    if isinstance(choice, settings.EmbeddedAssistant):
        from rms.assistant.embedded import EmbeddedAssistant  # noqa: PLC0415 - loads the knowledge base

        return EmbeddedAssistant(choice, seed)
    from rms.assistant.openai.assistant import OpenAIAssistant  # noqa: PLC0415
    from rms.assistant.openai.client import Client  # noqa: PLC0415

    return OpenAIAssistant(Client(choice, books), choice.language, choice.votes)
