"""The leaderboard in Markdown."""

from collections.abc import Iterable, Sequence

from rms.errors import one_line
from rms.measure.contests import SAME_CORPORA
from rms.measure.results import Estimate
from rms.report.leaderboard import Cell, Leader, Leaderboard, Row

UNDEFINED = "–"


def shown(estimate: Estimate) -> str:
    """`0.712 [0.641, 0.780]`, without the bracket where there is no interval."""
    if estimate.value is None:
        return UNDEFINED
    bounds = "" if estimate.low is None else f" [{estimate.low:.3f}, {estimate.high:.3f}]"
    return f"{estimate.value:.3f}{bounds}"


def metric_name(metric: str) -> str:
    """As people write it."""
    return {"auroc": "AUROC"}.get(metric, metric.replace("_", " "))


def matrix_markdown(board: Leaderboard) -> str:
    """Training sets over all corpora, then corpus by corpus, then beside their unimodal twins, then compared."""
    names = list(board.train_sets)
    lines = [
        "# Leaderboard",
        "",
        f"AUROC of the full judge with its {board.confidence:.0%} interval, as a mean over corpora with both classes",
        "that are foreign to every training set (*same corpora*), or to this one (*other corpora*). The gap is over",
        "the better unimodal twin. Bold: significantly better than every other training set that the corpus is foreign",
        "to (own tests are not compared), by paired tests that are corrected by Holm for all comparisons of this page.",
        "",
        *_table(
            ["training set", "same corpora", "text only", "image only", "gap", "other corpora", "balanced accuracy",
             "rows", "unsafe", "judge (seed)"],
            map(_leader, board.leaders),
        ),
        "",
        f"Same corpora: {', '.join(board.leaders[0].common.over) or 'none'}.",
        *(f"Other corpora of {item.train_set}: {', '.join(item.quality.over) or 'none'}." for item in board.leaders),
        "",
        "## By corpus",
        "",
        "AUROC where a corpus has both classes. A corpus of one class has the share of its rows that are called",
        "unsafe; with a benign pool (+pool), safe rows of the corpora named there are added to it. A row without a",
        "verdict counts as judged wrongly.",
        "",
        *_table(["corpus", "samples", "unsafe", "licence", "metric", *names], map(_scores, board.rows)),
        "",
        *_derivations(board),
        "## Unimodal twins and complementarity gap",
        "",
        "Text-only / image-only twin, and the gap: AUROC of the full judge minus that of the better twin, on the same",
        "resamples. At 0 or below, seeing both modalities together gains nothing.",
        "",
        *_table(["corpus", *names], map(_twins, board.rows)),
        "",
        "## Differences",
        "",
        "On the same corpora; every other comparison is in `differences.csv`.",
        "",
        *_table(["", "difference", "p", "p (Holm)"], _differences(board)),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _judge_names(leader: Leader) -> str:
    """The judges of a training set: hash and seed of each."""
    return ", ".join(f"{judge.hash} ({judge.seed})" for judge in leader.judges)


def _leader(leader: Leader) -> list[str]:
    first = leader.judges[0]
    return [
        leader.train_set,
        _bold(shown(leader.common.auroc), leader.best),
        _value(leader.common.text_only),
        _value(leader.common.image_only),
        shown(leader.common.gap),
        shown(leader.quality.auroc),
        shown(leader.quality.balanced_accuracy),
        str(first.rows),
        _share(first.unsafe, first.rows),
        _judge_names(leader),
    ]


def _name(row: Row) -> str:
    name = f"{row.corpus} ({', '.join(row.pool)})" if row.pool else row.corpus
    return f"{name} (derived labels)" if row.derived else name


def _scores(row: Row) -> list[str]:
    cells = [UNDEFINED if cell is None else _score(cell) for cell in row.cells]
    return [_name(row), str(row.n), _share(row.n_unsafe, row.n), row.licence, metric_name(row.metric), *cells]


def _derivations(board: Leaderboard) -> list[str]:
    """The rule behind each mark of `_name`."""
    rules = {name: rule for row in board.rows for name, rule in row.derived.items()}
    return [line for name, rule in rules.items() for line in (f"Labels of {name} are derived: {one_line(rule)}.", "")]


def _score(cell: Cell) -> str:
    refused = f", {cell.no_verdict} without verdict" if cell.no_verdict else ""
    return _bold(shown(cell.estimate), cell.best) + (" (own test)" if cell.own else "") + refused


def _twins(row: Row) -> list[str]:
    return [
        _name(row),
        *(
            UNDEFINED
            if cell is None
            else f"{_value(cell.text_only)} / {_value(cell.image_only)}"
            + ("" if cell.gap.value is None else f", gap {shown(cell.gap)}")
            for cell in row.cells
        ),
    ]


def _differences(board: Leaderboard) -> Iterable[list[str]]:
    for item in board.differences:
        if item.corpus == SAME_CORPORA:
            difference = shown(Estimate(value=item.value, low=item.low, high=item.high))
            yield [f"{item.a} – {item.b}", _bold(difference, item.significant), p_value(item.p), p_value(item.p_holm)]


def p_value(p: float | None) -> str:
    """Three digits, and no more zeros than these hold."""
    return UNDEFINED if p is None else "<0.001" if p < 0.001 else f"{p:.3f}"


def _value(estimate: Estimate) -> str:
    return UNDEFINED if estimate.value is None else f"{estimate.value:.3f}"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else UNDEFINED


def _bold(text: str, bold: bool) -> str:
    return f"**{text}**" if bold else text


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(cell.replace('|', '/').replace(chr(10), ' ') for cell in cells)} |"
        for cells in (header, ["---"] * len(header), *rows)
    ]
