from pathlib import Path

from rms.report.summary import summary
from rms.store import read_json

ROOT = Path(__file__).resolve().parents[1]


def test_the_readme_shows_the_table_of_the_committed_metrics():
    table = summary(read_json(ROOT / "reports/metrics.json")).strip()
    assert table in (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_path_the_readme_links_is_there():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for target in (part.split(")")[0] for part in text.split("](")[1:]):
        assert (ROOT / target).exists(), target
