"""The dataset card: what the data is, how it was made, what it is not good for."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, StrictUndefined

from rms.records import ImageInfo, Provenance

TEMPLATE = Path(__file__).parent / "card.md"


def card(
    title: str,
    method: str,
    numbers: Mapping[str, Any],
    images: Iterable[ImageInfo],
    makers: Iterable[Provenance],
    removed: Mapping[str, int],
) -> str:
    """Markdown with the header the Hugging Face Hub reads. Texts from outside are shown as code, never as markup."""
    made_by = sorted({(m.assistant, m.model, m.version, m.seed) for m in makers})
    credits = sorted({(image.licence, image.attribution, image.source) for image in images})
    header = yaml.safe_dump(
        {
            "license": "other",
            "task_categories": ["image-text-to-text", "text-classification"],
            "language": ["en"],
            "tags": ["safety", "multimodal"],
            "size_categories": [_size(numbers["samples"])],
            "configs": [
                {
                    "config_name": "default",
                    "data_files": [
                        {"split": split, "path": f"{split}/*.parquet"} for split in ("train", "validation", "test")
                    ],
                }
            ],
        },
        sort_keys=False,
    )
    environment = Environment(autoescape=False, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["code"] = _code
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        header=header, title=title, method=method, n=numbers, made_by=made_by, credits=credits, removed=removed
    )


def _code(text: object) -> str:
    """`text` as inline code on one table cell."""
    return "`" + " ".join(str(text).split()).replace("`", "'").replace("|", "/") + "`"


def _size(samples: int) -> str:
    for limit, name in ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K")):
        if samples < limit:
            return name
    return "100K<n<1M"
