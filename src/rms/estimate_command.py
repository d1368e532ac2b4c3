"""`rms estimate`: what a run will take."""

import click


@click.command()
@click.option("--images", type=click.IntRange(min=1), metavar="N", help="Number of photographs; else they are counted.")
@click.option("--sample", type=click.IntRange(min=1), metavar="N", help="Ask about N of the collected photographs.")
@click.argument("overrides", nargs=-1)
def estimate(images: int | None, sample: int | None, overrides: tuple[str, ...]) -> None:
    """Say how many requests, tokens and US dollars a run will take.

    Nothing is sent unless --sample is given; what that asks for is kept, so that the run does not pay for it again.
    Answers the cache holds already are not deducted. Reads params.yaml; with OVERRIDES, in Hydra's syntax, conf/ is
    composed anew and nothing is written.

    \b
    rms estimate assistant=openai checker=openai assistant.model=gpt-4o-mini --images 35000
    rms estimate --sample 5
    """
    from rms.compose import params_for  # noqa: PLC0415
    from rms.estimate.assumptions import assumptions  # noqa: PLC0415
    from rms.estimate.forecast import offline  # noqa: PLC0415
    from rms.estimate.photographs import photographs  # noqa: PLC0415
    from rms.estimate.table import span, table  # noqa: PLC0415
    from rms.params import EmbeddedAssistant  # noqa: PLC0415
    from rms.runtime import prepare  # noqa: PLC0415

    params = params_for(list(overrides))
    if isinstance(params.assistant, EmbeddedAssistant) and isinstance(params.checker, EmbeddedAssistant):
        click.echo("0 requests, 0 US dollars: assistant and checker are embedded, nothing is sent to an endpoint.")
        return
    if sample:
        from rms.estimate.sample import sampled  # noqa: PLC0415 - heavy

        prepare(params)
        count = images or photographs(params.images, collected=True)
        forecast = sampled(params, sample, count)
    else:
        count = images or photographs(params.images, collected=not overrides)
        forecast = offline(params, count, assumptions())
    click.echo(f"{count:,} photographs\n\n{table(forecast)}\n")
    for line in (*span(forecast, params.budget_usd), forecast.how):
        click.echo(line)
