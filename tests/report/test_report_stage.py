"""The report of a finished run: what is written, that it is safe to open, and that it does not change."""

import csv
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from rms.errors import RmsError
from rms.measure.results import JUDGES, METRICS
from rms.report.summary import WIDTH, summary
from rms.stages.report import run
from rms.store import read_json

FILES = [
    "metrics.json", "spending.json", "matrix.csv", "matrix.md", "categories.csv", "differences.csv", "report.html",
    "plots/roc.csv", "plots/pr.csv", "plots/matrix.png", "plots/scaling.csv",
    "plots/scaling.png",
]  # fmt: skip
VOID = {"meta", "img", "rect", "line", "polyline", "link", "br"}


class Page(HTMLParser):
    """Collects elements and text, and notes a tag that is closed out of order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements, self.open, self.misnested, self.text = [], [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID and (not self.open or self.open.pop() != tag):
            self.misnested.append((tag, self.getpos()))

    def handle_data(self, data):
        self.text.append(data)

    def all(self, tag):
        return [attrs for name, attrs in self.elements if name == tag]


@pytest.fixture
def reports(finished_run, params):
    run(params)
    return finished_run / "reports"


@pytest.fixture
def page(reports):
    return Page((reports / "report.html").read_text(encoding="utf-8"))


def test_a_second_run_writes_the_same_bytes(reports, params):
    before = {name: (reports / name).read_bytes() for name in FILES}
    run(params)
    assert {name: (reports / name).read_bytes() for name in FILES} == before


def test_the_page_is_one_well_formed_file_without_scripts(page):
    assert page.misnested == []
    assert page.open == []
    assert page.all("script") == []
    policy = next(meta["content"] for meta in page.all("meta") if "http-equiv" in meta)
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert all(image["src"].startswith("data:image/jpeg;base64,") for image in page.all("img"))
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert not any(tag in ("link", "iframe", "object") for tag, _ in page.elements)


def test_hostile_text_is_shown_and_not_obeyed(reports, page, hostile):
    assert hostile in "".join(page.text)
    assert "<script>" not in (reports / "report.html").read_text(encoding="utf-8")
    addresses = [link["href"] for link in page.all("a")]
    assert "https://example.org/vlguard" in addresses
    assert all(address.startswith(("#", "https://")) for address in addresses)


def test_links_inside_the_page_lead_somewhere(page):
    ids = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    inside = {link["href"][1:] for link in page.all("a") if link["href"].startswith("#")}
    assert inside
    assert inside <= ids


def test_the_page_tells_which_part_of_a_corpus_was_read_and_that_labels_are_derived(page, hostile):
    assert page.text.count("derived: a preference counts as a verdict") == 1
    assert page.text.count(f"level: {hostile}") == 1


def test_every_row_of_a_corpus_with_derived_labels_says_so(reports):
    shown = re.findall(r'<tr><th scope="row">siuo.*?</tr>', (reports / "report.html").read_text(), re.DOTALL)
    shown += [line for line in (reports / "matrix.md").read_text().splitlines() if line.startswith("| siuo")]
    scored = [row for row in shown if "siuo: missing_image" not in row]  # a row of the skipped
    assert len(scored) == 11
    assert all("derived" in row for row in scored)


def test_the_gallery_shows_pictures_text_checks_and_verdict(page, params):
    text = " ".join("".join(page.text).split())
    assert len(page.all("img")) == params.report.gallery
    assert len(page.all("article")) == params.report.gallery
    assert text.count("3 checks") == params.report.gallery
    assert text.count("Judge. no verdict") == 1
    assert "A. Photographer, CC0-1.0" in text


def test_the_page_tells_what_was_left_out_and_that_the_run_is_small(page):
    text = " ".join("".join(page.text).split())
    assert "This is a small run, on 6 photographs" in text
    assert "do not compare their scores with published ones" in text
    assert "msts is left out: no samples" in text
    assert "text_alone7" in text.replace(" ", "")
    assert "vlguard: missing_image" in text


def test_the_matrix_has_a_row_for_each_judge_and_corpus(reports):
    rows = list(csv.DictReader((reports / "matrix.csv").read_text().splitlines()))
    assert len(rows) == 2 * 8 * len(JUDGES)
    row = next(r for r in rows if (r["train_set"], r["corpus"], r["judge"]) == ("rms", "vlguard", "full"))
    found = read_json(reports / "eval/rms/metrics.json")["corpora"]["vlguard"]["judges"]["full"]["metrics"]
    assert {f"{metric}{end}" for metric in METRICS for end in ("", "_low", "_high")} <= set(row)
    assert float(row["auroc"]) == found["auroc"]["value"]
    assert float(row["f1_high"]) == found["f1"]["high"]
    siuo = next(r for r in rows if r["corpus"] == "siuo")
    assert siuo["auroc"] == ""
    assert siuo["derived_labels"] == "siuo: a preference counts as a verdict"
    assert siuo["classes"] == "unsafe"
    pooled = next(r for r in rows if r["corpus"] == "siuo+pool")
    assert (pooled["pool"], pooled["n"], pooled["n_unsafe"], pooled["classes"]) == ("vlguard", "98", "50", "both")
    assert {row["judge_ids"] for row in rows} == {"0123456789"}
    assert {row["licence"] for row in rows if row["corpus"] == "vlguard"} == {"Apache-2.0"}
    refused = {(row["corpus"], row["judge"]) for row in rows if row["no_verdict"] != "0"}
    assert refused == {("figstep", "full"), ("figstep+pool", "full"), ("rms", "full")}


def test_every_pair_of_training_sets_is_compared_where_neither_is_at_home(reports):
    rows = list(csv.DictReader((reports / "differences.csv").read_text().splitlines()))
    corpora = ["vlguard", "siuo", "mssbench", "figstep", "siuo+pool", "figstep+pool", "(same corpora)"]
    assert [row["corpus"] for row in rows] == corpora
    matrix = list(csv.DictReader((reports / "matrix.csv").read_text().splitlines()))
    full = {(row["train_set"], row["corpus"]): row for row in matrix if row["judge"] == "full"}
    for row in rows[:-1]:
        metric = row["metric"]
        sides = [float(full[row[side], row["corpus"]][metric]) for side in ("a", "b")]
        assert float(row["a_minus_b"]) == pytest.approx(sides[0] - sides[1], abs=2e-6)
        assert float(row["p"]) <= float(row["p_holm"])
    best = {(row["train_set"], row["corpus"]) for row in matrix if row["best"] == "1"}
    assert ("rms", "figstep") in best
    assert best == {
        (row["a"] if float(row["a_minus_b"]) > 0 else row["b"], row["corpus"])
        for row in rows[:-1]
        if row["significant"] == "1"
    }


def test_categories_are_listed_where_a_corpus_names_several(reports, page):
    rows = list(csv.DictReader((reports / "categories.csv").read_text().splitlines()))
    assert {(row["corpus"], row["category"]) for row in rows} == {
        ("mssbench", "burns and fire"),
        ("mssbench", "harm to animals"),
    }
    assert len(rows) == 4
    assert all(0 <= float(row["auroc"]) <= 1 for row in rows)
    assert "mssbench: 2 categories" in "".join(page.text)


def test_the_markdown_matrix_names_the_own_test_and_the_rate(reports):
    text = (reports / "matrix.md").read_text()
    assert len(re.findall(r"\(own test\)", text)) == 2
    assert "| siuo (derived labels) | 50 | 100% | Apache-2.0 | detection rate |" in text
    assert "| siuo+pool (vlguard) (derived labels) | 98 | 51% | Apache-2.0 | AUROC |" in text
    assert text.count("Labels of siuo are derived: a preference counts as a verdict.") == 1
    assert "1 without verdict" in text
    assert "Other corpora of rms: vlguard, mssbench, risk_oriented." in text
    assert text.count("0123456789 (0)") == 2
    assert re.search(r"\| figstep \|.*\| \*\*0\.\d+ \[.*\]\*\*, 1 without verdict \| 0\.", text)


def test_only_who_is_significantly_best_is_marked(reports, page):
    marked = [attributes for tag, attributes in page.elements if tag == "span" and attributes.get("class") == "best"]
    rows = list(csv.DictReader((reports / "differences.csv").read_text().splitlines()))
    matrix = list(csv.DictReader((reports / "matrix.csv").read_text().splitlines()))
    in_pairs = sum(row["corpus"] == "(same corpora)" and row["significant"] == "1" for row in rows)
    assert len(marked) == sum(row["best"] == "1" for row in matrix) + 2 * in_pairs


def test_headline_metrics_are_numbers_under_readable_keys(reports):
    found = read_json(reports / "metrics.json")
    assert found["dataset"] == {"images": 6, "samples": 120, "unsafe_share": 0.5, "categories": 3, "cost_usd": 1.0}
    full = read_json(reports / "eval/rms/metrics.json")
    assert found["rms"]["quality"]["auroc"] == full["quality"]["auroc"]["value"]
    assert found["rms"]["own_test"]["gap_low"] == full["corpora"]["rms"]["gap"]["low"]
    assert found["rms"]["common"]["gap"] == full["common"]["gap"]["value"]
    pooled = {"siuo+pool", "figstep+pool"}
    assert set(found["rms"]["auroc"]) == {"vlguard", "mssbench", "rms", "risk_oriented"} | pooled
    assert set(found["rms"]["detection_high"]) == {"siuo", "figstep"}
    assert "false_alarm" not in found["rms"]

    def leaves(value):
        return [leaf for item in value.values() for leaf in leaves(item)] if isinstance(value, dict) else [value]

    assert all(isinstance(leaf, int | float) for leaf in leaves(found))


def test_what_was_spent_is_told_by_stage_and_in_all(reports):
    spent = read_json(reports / "spending.json")
    assert spent["patterns"]["answers"] == 0
    assert spent["total"] == {"answers": 2, "input_tokens": 4, "output_tokens": 6, "estimated": 0, "cost_usd": 1.0}
    assert read_json(reports / "metrics.json")["dataset"]["cost_usd"] == 1.0


def test_curves_run_from_corner_to_corner(reports):
    rows = list(csv.DictReader((reports / "plots/roc.csv").read_text().splitlines()))
    assert list(rows[0]) == ["train_set", "corpus", "fpr", "tpr", "threshold"]
    assert {row["corpus"] for row in rows} == {"vlguard", "mssbench", "rms", "risk_oriented"}
    one = [
        (float(row["fpr"]), float(row["tpr"])) for row in rows if (row["train_set"], row["corpus"]) == ("rms", "rms")
    ]
    assert one[0] == (0.0, 0.0)
    assert one[-1] == (1.0, 1.0)
    assert one == sorted(one)
    assert rows[0]["threshold"] == ""


def test_training_curves_are_drawn_where_there_are_any(page, finished_run, params):
    titles = "".join(page.text)
    assert "full/validation_auroc" in titles
    for path in finished_run.glob("reports/train/*/0/full/plots/metrics/*.tsv"):
        path.unlink()
    run(params)
    assert "full/validation_auroc" not in (finished_run / "reports/report.html").read_text()


def test_the_summary_fits_and_holds_every_corpus(reports):
    text = summary(read_json(reports / "metrics.json"))
    lines = text.splitlines()
    assert max(map(len, lines)) <= WIDTH
    full = read_json(reports / "eval/rms/metrics.json")
    auroc = full["corpora"]["vlguard"]["judges"]["full"]["metrics"]["auroc"]
    row = next(line for line in lines if line.startswith("vlguard"))
    assert f"{auroc['value']:.3f} [{auroc['low']:.3f}, {auroc['high']:.3f}]" in row
    assert any(line.startswith("siuo (detection)") for line in lines)
    assert any(line.startswith("quality: other corpora") for line in lines)
    assert len([line for line in lines if re.search(r"\]\*", line)]) == 2


def test_many_training_sets_wrap_in_the_summary(reports):
    metrics = read_json(reports / "metrics.json")
    wide = {"dataset": metrics["dataset"], **{f"set_{number}": metrics["rms"] for number in range(7)}}
    lines = summary(wide).splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert all(any(f"set_{number}" in line for line in lines) for number in range(7))


def test_one_training_set_alone_can_be_reported(finished_run, params):
    only = params.model_copy(update={"finetune": params.finetune.model_copy(update={"train_sets": ["risk_oriented"]})})
    run(only)
    assert list(read_json(finished_run / "reports/metrics.json")) == ["dataset", "risk_oriented"]


def test_a_missing_evaluation_says_what_to_run(finished_run, params):
    (finished_run / "reports/eval/rms/metrics.json").unlink()
    with pytest.raises(RmsError, match=r"reports/eval/rms/metrics.json: not found; run `dvc repro evaluate`"):
        run(params)
    assert not Path("reports/report.html").exists()
