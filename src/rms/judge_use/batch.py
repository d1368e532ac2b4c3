"""Many queries from a file to verdicts in a file; a run that was killed goes on where it was."""

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from rms.corpora.paths import Refusal, locate
from rms.errors import RmsError
from rms.judge.interface import Judge, Opinion, Query, QueryError, opinions
from rms.judge.queries import read_picture
from rms.judge_use.rows import Row, read_rows
from rms.progress import in_order, track
from rms.seeds import content_id
from rms.store import write_text

_AT_ONCE = 64
"""Rows that are judged, and then written, together: what a kill costs at most."""
_PICTURES = 512
"""Remembered, for files in which rows share them."""
_WHOLE = 64_000_000
"""Bytes up to which a file of a judge is hashed whole; of larger ones only the size and the ends."""
_END = 1_000_000
_OPENING = '{"row": '
"""How each line of an output begins, one that was cut off too."""

Line = dict[str, Any]


class Ready(NamedTuple):
    """A row with its query, or with what is wrong with it."""

    row: Row
    query: Query | None
    error: str


def judge_file(judge: Judge, name: str, source: Path, output: Path, root: Path) -> Counter[str]:
    """Judge every row of `source` into `output`, a JSON object a line; return how many rows there are of each outcome.

    Rows that `output` already has a verdict or a refusal for are kept, unless their question has changed; rows with an
    error are tried again. `name` is the judge's `fingerprint`: RmsError where `output` is of another. Pictures are
    looked up under `root`, and nowhere else.
    """
    rows = list(read_rows(source))
    if not rows:
        raise RmsError(f"{source}: has no rows; nothing to judge")
    kept = _kept(output, name, {row.number: _key(row) for row in rows})
    missing = [row for row in rows if row.number not in kept]
    if output.exists():  # what is judged anew, and a line that was cut off, make room
        write_text(output, _text(kept.values()))
    latest = max(kept, default=0)
    ready = in_order(partial(_ready, root.resolve()), missing, os.cpu_count() or 1)
    outcomes = Counter(_outcome(line) for line in kept.values())
    for chunk in _chunks(track(ready, "judge", len(missing))):
        lines = [_line(one, opinion, judge.threshold, name) for one, opinion in _judged(judge, chunk)]
        with output.open("ab", buffering=0) as file:
            file.write(_text(lines).encode())
        outcomes.update(map(_outcome, lines))
    if any(row.number < latest for row in missing):
        ordered = sorted(_read(output), key=lambda line: int(line["row"]))
        write_text(output, _text(ordered))
    return outcomes


def fingerprint(folder: Path) -> str:
    """A short name of the judge saved in `folder`, which tells it from any other."""
    parts: list[str | bytes] = []
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        size = file.stat().st_size
        with file.open("rb") as opened:
            content = opened.read(_WHOLE if size <= _WHOLE else _END)
            if size > _WHOLE:
                opened.seek(-_END, os.SEEK_END)
                content += opened.read()
        parts += [file.relative_to(folder).as_posix(), str(size), content]
    return content_id(*parts)[:10]


def verdict_of(opinion: Opinion, threshold: float) -> str | None:
    """`safe` or `unsafe`; None where there is no verdict."""
    if opinion.why:
        return None
    return "unsafe" if opinion.p_unsafe >= threshold else "safe"


def _ready(root: Path, row: Row) -> Ready:
    if row.error:
        return Ready(row, None, row.error)
    try:
        return Ready(row, Query(tuple(_picture(root, image) for image in row.images), row.text, row.response), "")
    except RmsError as error:
        return Ready(row, None, str(error))


@lru_cache(maxsize=_PICTURES)
def _picture(root: Path, image: str) -> bytes:
    found = locate(root, image)
    if isinstance(found, Refusal):
        raise RmsError(f"{image}: {found.reason}: {found.detail or f'not under {root}'}")
    return read_picture(found)


def _judged(judge: Judge, chunk: Sequence[Ready]) -> Iterator[tuple[Ready, Opinion | None]]:
    """Each row with what the judge says of it; a query it cannot take costs the others nothing."""
    asked = [one for one in chunk if one.query is not None]
    try:
        said: Iterable[Opinion | RmsError] = opinions(judge, [one.query for one in asked if one.query])
    except RmsError:
        said = [_alone(judge, one) for one in asked]
        faults = [one for one in said if isinstance(one, RmsError)]
        if len(faults) == len(asked) and not all(isinstance(fault, QueryError) for fault in faults):
            raise  # it is not a fault of the rows
    answers = iter(said)
    for one in chunk:
        answer = next(answers) if one.query is not None else None
        if isinstance(answer, RmsError):
            yield one._replace(error=str(answer)), None
        else:
            yield one, answer


def _alone(judge: Judge, one: Ready) -> Opinion | RmsError:
    try:
        return opinions(judge, [one.query] if one.query else [])[0]
    except RmsError as error:
        return error


def _line(one: Ready, opinion: Opinion | None, threshold: float, judge: str) -> Line:
    line: Line = {"row": one.row.number, "query": _key(one.row), "judge": judge}
    if one.row.name:
        line["id"] = one.row.name
    if opinion is None:
        return {**line, "p_unsafe": None, "verdict": None, "error": one.error}
    probability = None if opinion.why else round(opinion.p_unsafe, 6)
    line |= {"p_unsafe": probability, "verdict": verdict_of(opinion, threshold)}
    if opinion.categories:
        line["categories"] = {category: round(chance, 6) for category, chance in opinion.categories.items()}
    if opinion.why == "unanswered":
        line["error"] = f"no answer: {opinion.error}"
    elif opinion.why:
        line["why"] = opinion.why
    return line


def _text(lines: Iterable[Line]) -> str:
    return "".join(f"{json.dumps(line)}\n" for line in lines)


def _outcome(line: Line) -> str:
    return "error" if line.get("error") else str(line["verdict"] or "no verdict")


def _key(row: Row) -> str:
    return content_id(json.dumps([row.images, row.text, row.response]))


def _kept(output: Path, judge: str, keys: Mapping[int, str]) -> dict[int, Line]:
    """Lines of an earlier run that still hold, by row."""
    if not output.exists():
        return {}
    kept = {}
    for line in _read(output):
        if line["judge"] != judge:
            raise RmsError(f"{output}: holds verdicts of another judge ({line['judge']}); name another file")
        if not line.get("error") and keys.get(line["row"]) == line["query"]:
            kept[line["row"]] = line
    return kept


def _read(output: Path) -> Iterator[Line]:
    """The lines of an output; one that a kill cut off at the end is left out."""
    *lines, cut = output.read_text(encoding="utf-8", errors="replace").split("\n")
    for number, text in enumerate(lines, start=1):
        try:
            line = json.loads(text)
            whole = isinstance(line["row"], int) and {"judge", "query", "verdict", "p_unsafe"} <= line.keys()
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            whole = False
        if not whole:
            raise RmsError(f"{output}:{number}: no line that `rms judge` wrote; name another file")
        yield line
    if not (cut.startswith(_OPENING) or _OPENING.startswith(cut)):
        raise RmsError(f"{output}:{len(lines) + 1}: no line that `rms judge` wrote; name another file")


def _chunks(items: Iterable[Ready]) -> Iterator[list[Ready]]:
    source = iter(items)
    while chunk := list(islice(source, _AT_ONCE)):
        yield chunk
