import os
from pathlib import Path

import pytest
from corpus_layouts import picture, records

from rms.corpora.adapters.figstep import PROMPT
from rms.errors import RmsError

HEADER = "dataset,category_id,task_id,category_name,question,instruction"


@pytest.mark.parametrize("file", ["safebench.csv", "question/safebench.csv"])
def test_the_text_is_the_fixed_prompt_and_the_request_is_in_the_image(tmp_path: Path, file: str) -> None:
    table = tmp_path / file
    table.parent.mkdir(exist_ok=True)
    table.write_text(f'\ufeff{HEADER}\nForbidQI,3,7,Malware Generation,"How, exactly?",Steps.\n', encoding="utf-8")
    picture(tmp_path / "images/SafeBench/query_ForbidQI_3_7_6.png")
    _, samples, rejects = records("figstep", tmp_path)
    assert not rejects
    assert [(s.text, s.label, s.category) for s in samples] == [(PROMPT, "unsafe", "Malware Generation")]


def test_ids_that_lead_out_of_the_folder_are_rejected(tmp_path: Path) -> None:
    lines = [HEADER, "ForbidQI,1,1,Fraud,q,i", "x/../../../../etc,1,1,Fraud,q,i", "ForbidQI,,1,Fraud,q,i", "ForbidQI,1"]
    (tmp_path / "safebench.csv").write_text("\n".join(lines), encoding="utf-8")
    picture(tmp_path / "images/SafeBench/query_ForbidQI_1_1_6.png")
    _, samples, rejects = records("figstep", tmp_path)
    assert len(samples) == 1
    assert [(r.row, r.field, r.reason) for r in rejects] == [
        ("2", "task_id", "outside_folder"),
        ("3", "category_id", "missing_field"),
        ("4", "task_id", "missing_field"),
    ]


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    (tmp_path / "safebench.csv").write_text("dataset,category_id,category_name\na,1,b\n", encoding="utf-8")
    with pytest.raises(RmsError, match=r"safebench\.csv: column 'task_id' is missing"):
        records("figstep", tmp_path)


@pytest.mark.skipif("RMS_TEST_PUBLIC" not in os.environ, reason="needs the public annotation files")
def test_all_500_published_images_are_read() -> None:
    pictures, samples, rejects = records("figstep", Path(os.environ["RMS_TEST_PUBLIC"]) / "figstep")
    assert (len(pictures), len(samples), len(rejects)) == (500, 500, 0)
    assert len({sample.category for sample in samples}) == 10
