"""An assistant that answers as it is told, for faults that a real one does not show on demand."""

# ruff: noqa: ARG002 - its methods have the arguments of the interface

from collections.abc import Callable, Sequence
from typing import Any, cast

from rms.assistant import PatternDraft, Scene, Spending, TextDraft, TripletDraft, Verdict
from rms.pictures import Pictures
from rms.records import Check, Description, Label, Pattern, Provenance, SceneElement, Split, Triplet

SAFE, UNSAFE, UNSURE = Verdict("safe", 0.05, "ok"), Verdict("unsafe", 0.9, "bad"), Verdict("unsure", 0.4, "unclear")
MADE_BY = Provenance(assistant="scripted", model="none", version="1", seed=0, family="")


class ScriptedAssistant:
    """`together` says what image and text are together; `odd` texts are unsafe alone, so are `odd` images."""

    name, model, version = "scripted", "none", "1"

    criteria = ("paraphrase",)
    workers = 1
    abreast = 1

    def __init__(
        self,
        together: Callable[[str, str], Verdict] = lambda _image, _text: UNSAFE,
        odd: Sequence[str] = (),
        proposals: Sequence[TripletDraft] = (),
        wishes: Sequence[str] = (),
    ) -> None:
        self.together, self.odd, self.proposals, self.wishes = together, odd, list(proposals), list(wishes)
        self.asked: list[str] = []

    def spending(self) -> Spending:
        return Spending()

    def describe(self, image_id: str, image: bytes) -> Description:
        return Description(image_id=image_id, caption=image.decode(), elements=[])

    def propose_patterns(self, scene: Scene) -> list[PatternDraft]:
        return []

    def propose_triplets(self, scene: Scene, patterns: Sequence[Pattern], count: int) -> list[TripletDraft]:
        return self.proposals[:count]

    def check_image(self, scene: Scene) -> Verdict:
        self.asked.append("image")
        return UNSAFE if scene.image_id in self.odd else SAFE

    def expect(self, texts: Sequence[str]) -> None:
        pass

    def check_text(self, text: str) -> Verdict:
        self.asked.append("text")
        return UNSAFE if text in self.odd else SAFE

    def check_together(self, scene: Scene, text: str) -> Verdict:
        self.asked.append("together")
        return self.together(scene.image_id, text)

    def rewrite(self, scene: Scene, triplet: Triplet, criterion: str) -> list[TextDraft]:
        return [TextDraft(f"{criterion}: {triplet.text}", triplet.intent, "")]

    def word(self, scene: Scene, intent: str) -> TextDraft:
        return TextDraft(f"{intent} by {scene.image_id}", intent, "")

    def harmless_wishes(self, scene: Scene, triplet: Triplet) -> list[str]:
        return self.wishes

    def guide(self, scene: Scene, text: str, label: Label) -> str:
        return f"{label} guidance"


def scene(image_id: str, split: Split = "train") -> Scene:
    seen = [SceneElement(name="oven", confidence=0.9, tags=[])]
    pictures = cast(Pictures, {image_id: b""})
    return Scene(Description(image_id=image_id, caption=f"A photograph of {image_id}.", elements=seen), split, pictures)


def triplet(image_id: str, text: str, **changes: Any) -> Triplet:
    facts = {
        "triplet_id": f"{image_id}/{text}", "image_id": image_id, "text": text, "intent": text, "risk": "r",
        "category": "c", "pattern_id": "p", "rationale": "", "provenance": MADE_BY,
        "checks": [Check(modality="text", verdict="safe", score=0.05, by="scripted", reason="")],
    }  # fmt: skip
    return Triplet(**(facts | changes))
