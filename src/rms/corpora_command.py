"""`rms corpora`: which safety datasets there are, how to get them, and what is in them."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rms.corpora.inspection import Inspection, Schema
    from rms.records import CorpusReject

EXAMPLES = 3
"""Rejects shown for each reason."""


@click.group()
def corpora() -> None:
    """See, get and check the public safety datasets that judges are measured on.

    \b
    rms corpora list                                   what there is, and what is here
    rms corpora fetch siuo msts --root /data/safety    download from the Hugging Face Hub
    rms corpora check siuo --folder /data/safety/siuo  fields, labels, missing images

    Then run the pipeline on them: dvc exp run -S corpora=folder -S corpora.root=/data/safety
    -S 'corpora.names=[siuo,msts]'. docs/corpora.md shows how to add a dataset.
    """


@corpora.command("list")
@click.option("--root", type=click.Path(path_type=Path), help="Folder with one subfolder per corpus.")
def list_command(root: Path | None) -> None:
    """Show every dataset: licence, what its label is of, size, and whether it is here.

    \b
    label of  what was labelled: the query with its image, a response to it, or the image alone;
              * marks labels derived by a rule that docs/corpora.md states
    classes   both, or unsafe rows alone, which give a detection rate only
    rows      test / train, as the authors state them
    train     whether its terms and splits allow training a judge
    here      whether <root>/<name> holds files; the root is that of params.yaml unless --root says otherwise
    """
    from rms.corpora import adapters  # noqa: PLC0415 - reads every adapter
    from rms.corpora.hub import fetched_revision  # noqa: PLC0415
    from rms.corpora.paths import holds_files  # noqa: PLC0415

    root = root or _configured_root()
    rows = [("name", "licence", "gated", "label of", "classes", "rows", "revision", "train", "here")]
    for kind in adapters().values():
        folder = root / kind.name if root else None
        revision = (folder and fetched_revision(folder, "test")) or kind.revision or "-"
        rows.append(
            (
                kind.name,
                kind.licence,
                _yes(kind.gated),
                kind.label_of + ("*" if kind.derived else ""),
                kind.classes,
                " / ".join(f"{split.rows:,}" if split.rows else "?" for split in kind.splits),
                revision[:8],
                _yes(kind.trainable),
                "?" if folder is None else _yes(holds_files(folder)),
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(f"{text:{width}}" for text, width in zip(row, widths, strict=True)).rstrip())


@corpora.command()
@click.argument("names", nargs=-1, metavar="NAME...")
@click.option("--all", "everything", is_flag=True, help="Every dataset.")
@click.option("--root", type=click.Path(path_type=Path), help="Where to: <root>/<name>. Default: that of params.yaml.")
@click.option("--split", type=click.Choice(["test", "train"]), default="test", show_default=True)
@click.option("--revision", metavar="SHA", help="A full commit SHA, for a single NAME; default: the pinned or newest.")
def fetch(names: tuple[str, ...], everything: bool, root: Path | None, split: str, revision: str | None) -> None:
    """Download datasets from the Hugging Face Hub and unpack them into the layout that is read.

    Set HF_TOKEN for gated ones, after asking for access on their page. HF_ENDPOINT names a mirror. The commit is
    noted beside the files, and the report states it. For what cannot be had a line says why, an empty folder is
    left (with corpora.on_missing=skip the run goes on without it), and the exit status is 1.

    \b
    rms corpora fetch siuo msts --root /data/safety
    rms corpora fetch spa_vl --split train --root /data/safety
    """
    from rms.corpora import adapter, adapters  # noqa: PLC0415 - reads every adapter
    from rms.corpora.hub import fetch as download  # noqa: PLC0415
    from rms.errors import RmsError  # noqa: PLC0415

    if everything == bool(names):
        raise click.UsageError("name the datasets, or say --all; `rms corpora list` shows them")
    if revision and len(names) != 1:
        raise click.UsageError("--revision is for a single NAME")
    root = root or _configured_root()
    if root is None:
        raise click.UsageError(
            "say where to with --root: no params.yaml here names a folder of downloads (corpora.kind=folder)"
        )
    if everything:
        names = tuple(name for name, kind in adapters().items() if any(part.name == split for part in kind.splits))
        names = tuple(name for name in names if adapters()[name].homepage)  # not one's own
    wanted = [adapter(name) for name in names]
    failed = 0
    for corpus in wanted:
        try:
            found = download(corpus, split, root, revision)
        except RmsError as error:
            failed += 1
            click.echo(f"rms: {error}", err=True)
        else:
            state = "was there already" if found.already else f"{found.files:,} files"
            click.echo(f"{corpus.name}: {state}, commit {found.revision[:12]}, in {found.folder}")
    sys.exit(1 if failed else 0)


@corpora.command()
@click.argument("name")
@click.option(
    "--folder", type=click.Path(path_type=Path), help="Where its files are; default: in the root of params.yaml."
)
@click.option("--split", default="test", show_default=True)
@click.option("--option", "options", multiple=True, metavar="KEY=VALUE", help="As corpora.options.NAME has it.")
@click.option(
    "--max-skipped",
    type=click.FloatRange(0, 1),
    default=0.1,
    show_default=True,
    help="Share of rows that may be unreadable.",
)
def check(name: str, folder: Path | None, split: str, options: tuple[str, ...], max_skipped: float) -> None:
    """Read a dataset as the pipeline would, and say what was found.

    Shows the fields of its records, how many rows have which label and category, and each reason for which rows
    are skipped, with examples. Exits with status 1 when nothing can be read or too many rows are skipped.

    \b
    rms corpora check vlguard --folder /data/safety/vlguard --split train
    rms corpora check msts --option language=german
    """
    from rms.corpora import adapter  # noqa: PLC0415 - reads every adapter
    from rms.corpora.inspection import inspect, schema  # noqa: PLC0415

    if not all("=" in option for option in options):
        raise click.UsageError("--option wants KEY=VALUE")
    corpus = adapter(name, dict(option.split("=", 1) for option in options))
    if folder is None:
        root = _configured_root()
        if root is None:
            raise click.UsageError(
                "say where it is with --folder: no params.yaml here names one of downloads (corpora.kind=folder)"
            )
        folder = root / name
    _show_fields(schema(corpus, folder, split))
    found = inspect(corpus, folder, split)
    _show_rows(found, corpus.split(split).rows)
    _show_rejects(found.rejects)
    if found.skipped > max_skipped:
        click.echo(f"rms: {found.skipped:.0%} of the rows are skipped, and at most {max_skipped:.0%} may be", err=True)
        sys.exit(1)


def _show_fields(found: "Schema") -> None:
    named = ", ".join([*found.files[:5], *(["..."] if len(found.files) > 5 else [])])
    click.echo(_plain(f"{found.records:,} records in {named}"))
    for field in found.fields:
        click.echo(f"  {field.name!a:.40}  {' or '.join(field.types)}  in {field.records:,}")


def _show_rows(found: "Inspection", published: int | None) -> None:
    told = f" (published: {published:,})" if published else ""
    skipped = len(found.rejects)
    click.echo(f"\n{found.samples + skipped:,} rows{told}: {found.samples:,} kept, {skipped:,} skipped")
    click.echo(f"{found.labels['safe']:,} safe, {found.labels['unsafe']:,} unsafe, {found.images:,} different images")
    for category in sorted({category for category, _ in found.categories}):
        safe, unsafe = found.categories[category, "safe"], found.categories[category, "unsafe"]
        click.echo(f"  {_plain(category) or '(no category)'}: {safe:,} safe, {unsafe:,} unsafe")


def _show_rejects(rejects: "Sequence[CorpusReject]") -> None:
    for reason in sorted({reject.reason for reject in rejects}):
        alike = [reject for reject in rejects if reject.reason == reason]
        click.echo(f"skipped for {reason}: {len(alike):,}")
        for reject in alike[:EXAMPLES]:
            where = f"{reject.file} row {reject.row}, field {reject.field or '-'}"
            click.echo(_plain(f"  {where} {reject.detail}".rstrip()))


def _configured_root() -> Path | None:
    """`corpora.root` of params.yaml, where that is a folder of downloads; None without either."""
    from rms.errors import RmsError  # noqa: PLC0415
    from rms.params import load_params  # noqa: PLC0415

    try:
        settings = load_params().corpora
    except RmsError:
        return None
    return Path(settings.root) if settings.kind == "folder" else None


def _plain(text: str) -> str:
    """`text` without what a terminal would obey: it comes out of other people's files."""
    return "".join(character if character.isprintable() else "?" for character in text)


def _yes(value: bool) -> str:
    return "yes" if value else "no"
