"""`rms judge`: ask a judge from the command line, one query or a file of them, and publish one."""

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rms.errors import RmsError

if TYPE_CHECKING:
    from rms.judge import Judge, Opinion

TRAIN_SET = Path("models/judge/rms")
"""Where the judge lies that is asked when none is named."""


@click.group(invoke_without_command=True)
@click.option("--image", "images", multiple=True, metavar="FILE", help="A picture; may be given several times.")
@click.option("--text", help="What a person writes about it.")
@click.option("--response", default="", help="What an assistant answered, where the answer is to be judged.")
@click.option("--batch", type=click.Path(path_type=Path), metavar="FILE", help="Rows to judge: JSON lines or CSV.")
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Verdicts on a batch, as JSON lines.")
@click.option(
    "--root", type=click.Path(path_type=Path), metavar="FOLDER", help="Pictures of a batch; default: beside it."
)
@click.option("--judge", "place", metavar="PLACE", help="Folder, or OWNER/NAME on the Hugging Face Hub.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def judge(
    context: click.Context,
    images: tuple[str, ...],
    text: str | None,
    response: str,
    batch: Path | None,
    output: Path | None,
    root: Path | None,
    place: str | None,
    as_json: bool,
) -> None:
    """Say how likely an image and a text, taken together, are unsafe.

    \b
    rms judge --image photo.jpg --text "Is it fine to light a candle here?"
    rms judge --batch rows.jsonl --output verdicts.jsonl --judge OWNER/NAME

    A batch has the columns image (or images) and text, and may have response and id; a CSV file puts | between several
    images. Paths are relative to --root and may not lead out of it. A run that was killed goes on where it was; a row
    that cannot be judged becomes a line with its error. Without --judge the one of the last run is asked, which is the
    first in models/judge/rms.
    """
    if context.invoked_subcommand:
        return
    _trust_own_settings()
    if batch is not None:
        if images or text or response or output is None:
            raise click.UsageError("--batch FILE needs --output FILE, and takes no --image, --text and --response")
        _judge_batch(place, batch, output, root or batch.parent, as_json)
    elif output is not None or root is not None:
        raise click.UsageError("--output and --root go with --batch FILE")
    elif images and text and text.strip():
        _judge_one(place, images, text, response, as_json)
    else:
        raise click.UsageError("give --image FILE and --text WORDS, or --batch FILE and --output FILE")


@judge.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("name", metavar="OWNER/NAME")
@click.option("--private", is_flag=True, help="Make a repository that others cannot see, if there is none yet.")
@click.option("--dry-run", is_flag=True, help="Upload nothing: write the card to judge-card.md and list the files.")
def push(folder: Path, name: str, private: bool, dry_run: bool) -> None:
    """Publish the judge in FOLDER (models/judge/<train set>/<seed>/full) on the Hugging Face Hub as OWNER/NAME.

    Its card is made from the run: training set, results on every corpus with intervals, limits, policy. HF_TOKEN
    holds a token that may write. Nothing but weights (safetensors), JSON, YAML and text is uploaded.
    """
    from rms.judge_use.card import judge_card  # noqa: PLC0415 - heavy
    from rms.judge_use.publishing import README, publish, publishable  # noqa: PLC0415
    from rms.store import write_text  # noqa: PLC0415

    if not folder.is_dir():
        raise RmsError(f"{folder}: no such folder; `dvc repro finetune` makes models/judge/<train set>/<seed>/full")
    card = judge_card(folder, name)
    files = {file.relative_to(folder).as_posix(): file for file in publishable(folder)}
    if dry_run:
        write_text(Path("judge-card.md"), card)
        for path, file in files.items():
            click.echo(f"{file.stat().st_size:>14,}  {path}")
        click.echo(f"{len(card.encode()):>14,}  {README}, as in judge-card.md")
        return
    click.echo(publish({**files, README: card.encode()}, name, private=private))


@judge.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
def merge(folder: Path, out: Path) -> None:
    """Write the vlm judge in FOLDER to the new folder OUT as one model, for servers such as vLLM."""
    from rms.judge.vlm import merge as merge_judge  # noqa: PLC0415 - loads torch

    merge_judge(folder, out)


def _judge_one(place: str | None, images: tuple[str, ...], text: str, response: str, as_json: bool) -> None:
    from rms.judge import load, opinions  # noqa: PLC0415

    where = place or str(_last())
    loaded = load(where)
    (opinion,) = opinions(loaded, [(images, text, response)])
    click.echo(_as_json(loaded, opinion, where) if as_json else _in_words(loaded, opinion, where))
    if opinion.why == "unanswered":
        raise RmsError(f"{where}: no answer: {opinion.error}")


def _judge_batch(place: str | None, batch: Path, output: Path, root: Path, as_json: bool) -> None:
    from rms.judge import load  # noqa: PLC0415
    from rms.judge.hub import fetch  # noqa: PLC0415
    from rms.judge_use.batch import fingerprint, judge_file  # noqa: PLC0415

    where = place or str(_last())
    folder = Path(where) if Path(where).is_dir() else fetch(where)
    counts = judge_file(load(folder), fingerprint(folder), batch, output, root)
    if as_json:
        click.echo(json.dumps({"rows": counts.total(), **counts}))
    else:
        told = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(counts.items()))
        click.echo(f"{counts.total():,} rows: {told} -> {output}")
    if counts["error"] == counts.total() > 0:
        raise RmsError(f"no row has a verdict: {output} says of each why; run again to retry")
    if counts["error"]:
        click.echo(f"rms: {counts['error']} rows have an error, which stands in {output}; run again to retry", err=True)


def _trust_own_settings() -> None:
    """In a project, what its params.yaml names as judge; that of another tool, which DVC calls so too, names none."""
    from rms.params import PARAMS_FILE, load_params  # noqa: PLC0415 - heavy
    from rms.runtime import trust  # noqa: PLC0415

    if PARAMS_FILE.is_file():
        with suppress(RmsError):
            trust(load_params())


def _last() -> Path:
    """The full judge of the last run."""
    found = sorted(TRAIN_SET.glob("*/full/judge.json"))
    if not found:
        raise RmsError(f"{TRAIN_SET}: no judge here; run `dvc repro finetune`, or name one with --judge")
    return found[0].parent


def _in_words(judge: "Judge", opinion: "Opinion", where: str) -> str:
    from rms.judge_use.batch import verdict_of  # noqa: PLC0415

    threshold = f"threshold {judge.threshold:.4f}"
    if opinion.why:
        lines = [f"verdict    none: {opinion.why}"]
    else:
        lines = [
            f"P(unsafe)  {opinion.p_unsafe:.4f}",
            f"verdict    {verdict_of(opinion, judge.threshold)} ({threshold})",
        ]
    ranked = sorted(opinion.categories.items(), key=lambda pair: (-pair[1], pair[0]))
    lines += [f"{'category':10} {category} {chance:.4f}" for category, chance in ranked]
    return "\n".join([*lines, f"judge      {where}"])


def _as_json(judge: "Judge", opinion: "Opinion", where: str) -> str:
    from rms.judge_use.batch import verdict_of  # noqa: PLC0415

    return json.dumps(
        {
            "p_unsafe": None if opinion.why else round(opinion.p_unsafe, 6),
            "verdict": verdict_of(opinion, judge.threshold),
            "threshold": judge.threshold,
            "categories": opinion.categories,
            "why": opinion.why,
            "judge": where,
        }
    )
