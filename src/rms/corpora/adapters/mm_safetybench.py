"""MM-SafetyBench: a harmful question's key phrase is moved into an image, painted, written or both."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from rms.corpora.base import Adapter, Download, Entry, Fault, Field, Option, Row, Split
from rms.corpora.files import json_value, keyed, matching, table

KINDS = ("SD", "SD_TYPO", "TYPO")
"""Image painted by Stable Diffusion, painted with the phrase below it, and the phrase alone."""
PARQUET = tuple(f"data/*/{kind}.parquet" for kind in KINDS)
"""One file for each scenario and kind, on the Hub."""
QUESTIONS = ("data/processed_questions/*.json", "processed_questions/*.json")
"""The authors' own layout."""


class MMSafetyBench(Adapter):
    name = "mm_safetybench"
    source = "PKU-Alignment/MM-SafetyBench"
    homepage = "https://huggingface.co/datasets/PKU-Alignment/MM-SafetyBench"
    revision = None
    licence = "CC-BY-NC-4.0"
    gated = False
    label_of = "query"
    classes = "unsafe"
    splits = (Split("test", 5040, Download("PKU-Alignment/MM-SafetyBench", PARQUET)),)
    trainable = False
    options = (Option("images", ("all", *KINDS)),)
    layout = "data/SCENARIO/SD.parquet and so on, or processed_questions/*.json with imgs/SCENARIO/SD/ID.jpg and so on"

    def entries(self, folder: Path, split: str) -> Iterator[Entry | Fault]:  # noqa: ARG002 - it has one split
        if any(any(folder.glob(pattern)) for pattern in QUESTIONS):
            for file in matching(folder, QUESTIONS):
                yield from keyed(json_value(folder, file), folder, file)
        else:
            for kind in self._kinds():
                yield from table(folder, (f"data/*/{kind}.parquet",), ("question", "image"))

    def parse(self, entry: Entry, split: str) -> Iterator[Row | Fault]:  # noqa: ARG002
        return self._from_json(entry) if entry.file.endswith(".json") else self._from_parquet(entry)

    def _kinds(self) -> tuple[str, ...]:
        chosen = self.chosen["images"]
        return KINDS if chosen == "all" else (chosen,)

    def _from_json(self, entry: Entry) -> Iterator[Row | Fault]:
        """One row for each kind of image; the painted kind has a question of its own, without the phrase."""
        scenario, key = PurePosixPath(entry.file).stem, entry.field("id")
        if not isinstance(key.value, (str, int)):
            yield entry.fault(key, "wrong_type", f"{type(key.value).__name__}, not an id")
            return
        for kind in self._kinds():
            yield Row(
                entry,
                images=(Field("id", f"{scenario}/{kind}/{key.value}.jpg"),),
                roots=("imgs", "data/imgs", ""),
                text=entry.field("Rephrased Question(SD)" if kind == "SD" else "Rephrased Question"),
                label="unsafe",
                categories=(Field("scenario", scenario.partition("-")[2] or scenario),),
            )

    def _from_parquet(self, entry: Entry) -> Iterator[Row | Fault]:
        yield Row(
            entry,
            images=(entry.field("image"),),
            text=entry.field("question"),
            label="unsafe",
            categories=(Field("scenario", PurePosixPath(entry.file).parent.name),),
        )
