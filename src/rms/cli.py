"""The `rms` command. Everything heavy is imported by the command that needs it."""

import sys
from collections.abc import Sequence
from functools import partial
from importlib import import_module

import click

from rms import __version__
from rms.assistant_command import assistant
from rms.cache_command import cache
from rms.corpora_command import corpora
from rms.errors import RmsError
from rms.estimate_command import estimate
from rms.judge_command import judge

STAGES = {
    "collect": "Take in photographs: decode, screen, fingerprint, split.",
    "patterns": "Describe the photographs and find patterns of latent risk in them.",
    "generate": "Make image-text-risk triplets and check that each needs both modalities.",
    "augment": "Vary the texts, make harmless twins, write guidance.",
    "build": "Balance, decontaminate and write the dataset.",
    "risk_oriented": "Make the comparison dataset that starts from a list of risks.",
    "corpora": "Read one safety dataset into the common schema.",
    "train_corpora": "Read the training split of one public dataset.",
    "train_sets": "Decontaminate the training sets and bring them to one size.",
    "finetune": "Fine-tune a judge and its unimodal twins on one training set.",
    "evaluate": "Score the judges of one training set on every corpus.",
    "report": "Make the cross-dataset matrix, the plots and the HTML report.",
}


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="rms")
def rms() -> None:
    """Build multimodal safety data from safe photographs, and measure how good that data is.

    The pipeline is run by DVC: `dvc repro` for params.yaml as it stands, `dvc exp run -S judge.lr=1e-4`
    for an experiment. The commands below are what its stages call, and what helps around it.
    """


@rms.command()
@click.option("--check", is_flag=True, help="Change nothing; fail when params.yaml is not what conf/ composes to.")
@click.argument("overrides", nargs=-1)
def params(check: bool, overrides: tuple[str, ...]) -> None:
    """Compose conf/ to params.yaml, with OVERRIDES in Hydra's syntax.

    \b
    rms params                            the default
    rms params experiment=smoke           a quick run
    rms params images=folder images.source.path=/data/photos
    """
    from rms.compose import check_up_to_date, write_params  # noqa: PLC0415

    if check and overrides:
        raise click.UsageError("--check takes no overrides: it compares params.yaml with the default composition")
    if check:
        check_up_to_date()
    else:
        write_params(list(overrides))


@rms.command()
def summary() -> None:
    """Print the result table of the last run."""
    from pathlib import Path  # noqa: PLC0415

    from rms.report.summary import summary as table  # noqa: PLC0415
    from rms.store import read_json  # noqa: PLC0415

    click.echo(table(read_json(Path("reports/metrics.json"))))


@rms.command()
@click.argument("stage_name", metavar="STAGE", type=click.Choice(["patterns", "generate", "augment"]))
def retry(stage_name: str) -> None:
    """Ask again what had no answer when STAGE (patterns, generate, augment) ran last.

    Runs the stage by DVC although nothing has changed: answers that were given come from the cache, so that only
    what failed is sent. `dvc repro` then carries on with the stages behind it.
    """
    import subprocess  # noqa: PLC0415

    again = [sys.executable, "-m", "dvc", "repro", "--single-item", "--force", stage_name]
    sys.exit(subprocess.run(again, check=False).returncode)


@rms.group()
def stage() -> None:
    """Run one stage of the pipeline, as dvc.yaml does."""


def _stage_command(name: str, help_text: str) -> click.Command:
    def call(item: str | None = None) -> None:
        from rms.assistant.rounds import in_rounds  # noqa: PLC0415
        from rms.interrupt import heed  # noqa: PLC0415
        from rms.params import load_params  # noqa: PLC0415
        from rms.runtime import prepare  # noqa: PLC0415

        settings = load_params()
        prepare(settings)
        heed()
        run = import_module(f"rms.stages.{name}").run
        in_rounds(partial(run, settings) if item is None else partial(run, settings, item))

    what = {"corpora": "CORPUS", "train_corpora": "CORPUS", "finetune": "TRAIN_SET", "evaluate": "TRAIN_SET"}.get(name)
    arguments: list[click.Parameter] = [click.Argument(["item"], metavar=what)] if what else []
    return click.Command(name, callback=call, params=arguments, help=help_text)


for _name, _help in STAGES.items():
    stage.add_command(_stage_command(_name, _help))


rms.add_command(assistant)
rms.add_command(cache)
rms.add_command(estimate)
rms.add_command(corpora)
rms.add_command(judge)


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point: a user's mistake is one line on stderr and exit status 1."""
    try:
        rms.main(arguments, prog_name="rms", standalone_mode=True)
    except RmsError as error:
        click.echo(f"rms: {error}", err=True)
        sys.exit(1)
    except OSError as error:  # a full disk, a folder that may not be written, a file where a folder should be
        click.echo(f"rms: {error.filename or 'system'}: {error.strerror or error}", err=True)
        sys.exit(1)
