"""Fine-tunes a judge in a process of its own, which a test may kill: `python fine_tune.py SETTINGS FOLDER COUNT`."""

import sys
from pathlib import Path

from tiny_models import examples

from rms.judge.vlm import Plan, VlmJudge
from rms.judge.vlm.checkpoints import Checkpoints
from rms.params import VlmJudge as Settings


def fine_tune(settings: Settings, folder: Path, count: int) -> VlmJudge:
    """A judge trained on `count` examples, saved in `folder/judge`, as the stage does it."""
    with Checkpoints(folder / "checkpoints") as checkpoints:
        judge = VlmJudge.untrained("full", Plan(settings, 0, folder / "curves", checkpoints))
        judge.fit(examples(count), examples(4))
        (folder / "judge").mkdir()
        judge.save(folder / "judge")
    return judge


if __name__ == "__main__":
    fine_tune(Settings.model_validate_json(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
