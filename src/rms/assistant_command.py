"""`rms assistant`: get to know the endpoint of an assistant."""

import sys

import click


@click.group()
def assistant() -> None:
    """Get to know the endpoint that `assistant:` or `checker:` names."""


@assistant.command()
@click.option("--checker", "role", flag_value="checker", help="Probe the checker's endpoint, not the proposer's.")
@click.argument("overrides", nargs=-1)
def probe(role: str | None, overrides: tuple[str, ...]) -> None:
    """Find out what the endpoint can do, and which settings fit it.

    Asks about fifteen small questions, of at most 1,024 tokens each, and prints what came of them: models, JSON by
    schema, vision, log-probabilities, seed, batches. Reads params.yaml; with OVERRIDES, in Hydra's syntax, conf/ is
    composed anew and nothing is written. Exits with status 1 where the endpoint cannot be used.

    \b
    rms assistant probe
    rms assistant probe assistant=openai assistant.base_url=http://localhost:11434/v1 \\
        assistant.model=qwen2.5vl assistant.api_key_env=
    """
    from rms.assistant.openai import probe as probing  # noqa: PLC0415
    from rms.compose import params_for  # noqa: PLC0415
    from rms.errors import RmsError  # noqa: PLC0415
    from rms.params import EmbeddedAssistant  # noqa: PLC0415

    role = role or "assistant"
    params = params_for(list(overrides))
    settings = params.checker if role == "checker" else params.assistant
    if isinstance(settings, EmbeddedAssistant):
        raise RmsError(
            f"{role}.kind = embedded: there is no endpoint to probe; name one: rms assistant probe {role}=openai "
            f"{role}.base_url=URL {role}.model=NAME"
        )
    found = probing.probe(settings)
    width = max(len(finding.capability) for finding in found.findings)
    click.echo(f"{settings.model} at {settings.base_url}\n")
    for finding in found.findings:
        click.echo(f"{finding.capability:{width}}  {finding.found:7}  {finding.meaning}")
    usage = found.usage
    guessed = " (in part estimated)" if usage.estimated else ""
    click.echo(
        f"\n{found.requests} requests, {usage.input_tokens:,} tokens read and {usage.output_tokens:,} written{guessed}"
    )
    if not found.usable:
        sys.exit(1)
    fitting = [f"{role}.{name}={'null' if value is None else value}" for name, value in found.settings.items()]
    click.echo("Settings that fit:\n  " + " ".join(fitting).replace("=True", "=true").replace("=False", "=false"))
