"""`rms cache`: look after the answers of paid endpoints."""

import math
import sys

import click


@click.group()
def cache() -> None:
    """Look after the answers that endpoints gave, so that none is paid for twice.

    Every answer is kept under all that could have changed it: endpoint, model, messages, pictures, schema and
    sampling. A run that asks the same again finds it here. RMS_CACHE_DIR moves the place.
    """


@cache.command()
def stats() -> None:
    """Say how many answers are kept, of which models, what they took, and where they lie."""
    from rms.assistant.openai.response_cache import ResponseCache  # noqa: PLC0415

    with ResponseCache() as answers:
        kept = answers.stats()
    click.echo(f"place    {kept.path}")
    click.echo(f"size     {kept.bytes_on_disk / 1e6:,.1f} MB")
    click.echo(f"answers  {sum(model.answers for model in kept.models):,}")
    if kept.models:
        width = max(len("model"), *(len(model.model) for model in kept.models))
        click.echo(f"\n{'model':{width}}  {'answers':>10}  {'input tokens':>14}  {'output tokens':>14}")
    for name, count, read, written in kept.models:
        click.echo(f"{name:{width}}  {count:>10,}  {read:>14,}  {written:>14,}")


@cache.command()
@click.option("--older-than", type=click.FloatRange(min=0), metavar="DAYS", help="Answers at least DAYS days old.")
@click.option("--model", metavar="NAME", help="Answers of the model NAME, as `rms cache stats` lists it.")
def prune(older_than: float | None, model: str | None) -> None:
    """Forget answers and give their disk space back; asked again, they are paid for again.

    With both options only answers that fit both are forgotten.

    \b
    rms cache prune --older-than 90
    rms cache prune --model gpt-4o-mini
    """
    from rms.assistant.openai.response_cache import ResponseCache  # noqa: PLC0415

    if older_than is not None and not math.isfinite(older_than):
        raise click.UsageError("--older-than: not a number of days")
    if older_than is None and model is None:
        raise click.UsageError("say which answers to forget: --older-than DAYS, --model NAME or both")
    with ResponseCache() as answers:
        removed = answers.prune(older_than, model)
    click.echo(f"{removed:,} answers forgotten")


@cache.command()
def verify() -> None:
    """Check every answer against its checksum, and remove what the disk has damaged.

    Exits with status 1 when something was wrong; it is mended then, and the next run asks for what is gone.
    """
    from rms.assistant.openai.response_cache import ResponseCache  # noqa: PLC0415

    with ResponseCache() as answers:
        found = answers.verify()
    click.echo(f"{found.ok:,} answers are sound, {found.removed:,} were damaged and are removed")
    if found.aside:
        click.echo(f"the damaged file was moved to {found.aside}")
    if found.removed or found.aside:
        sys.exit(1)
