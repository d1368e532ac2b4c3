"""Trainings in this process, or in several that `torchrun` starts, on one machine or more."""

import gc
import hashlib
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, SupportsBytes

from pydantic import BaseModel, ConfigDict

from rms.errors import RmsError
from rms.judge.interface import Example, Modality, Query
from rms.judge.vlm.model import Base, check_processes
from rms.judge.vlm.training import Training, drop_incomplete, train
from rms.params import VlmJudge as Settings
from rms.store import read_json, write_json, write_text

_JOB = "job.json"
FAULT = "fault.txt"
"""What a user did wrong, as one of the processes found it."""
_LOG = "torchrun.log"
_PICTURES = "pictures"
_SPLITS = ("train", "validation")


class Job(BaseModel):
    """A training as its processes find it, beside `train.jsonl`, `validation.jsonl` and the pictures."""

    model_config = ConfigDict(extra="forbid")

    settings: Settings
    base: Base
    policy: str
    modality: Modality
    seed: int


class _Row(BaseModel):
    """An example whose pictures lie in files."""

    pictures: list[str]
    text: str
    response: str
    label: int
    rationale: str


class _PictureFile(NamedTuple):
    """A picture that is read where it is looked at."""

    path: Path

    def __bytes__(self) -> bytes:
        return self.path.read_bytes()


def run_training(training: Training, examples: Sequence[Example], validation: Sequence[Example]) -> None:
    """Train here, or in `judge.launch.processes` processes; `training.trained` is there when it returns.

    With several machines this one is the first. On each of the others the same `torchrun` command, which is printed,
    is started by hand with its own `--node-rank`; all of them need to see the folder of the training.
    """
    launch = training.settings.launch
    drop_incomplete(training.folder)
    if launch.processes == launch.nodes == 1:
        train(training, examples, validation)
        gc.collect()  # the Trainer holds the model in a circle, and the next one needs its memory
        return
    check_processes(launch.processes)
    write_job(training, examples, validation)
    command = [sys.executable, "-m", "torch.distributed.run", f"--nproc-per-node={launch.processes}"]
    if launch.nodes > 1:
        command += [f"--nnodes={launch.nodes}", f"--master-addr={launch.address}", f"--master-port={launch.port}"]
        module = ["-m", "rms.judge.vlm.worker", str(training.folder)]
        print(f"judge: on the other machines: {' '.join([*command, '--node-rank=1', *module])}", file=sys.stderr)
        command += ["--node-rank=0"]
    else:
        command += ["--standalone"]
    fault, log = training.folder / FAULT, training.folder / _LOG
    fault.unlink(missing_ok=True)
    with log.open("wb") as stream:
        status = subprocess.run(
            [*command, "-m", "rms.judge.vlm.worker", str(training.folder)],
            stdout=stream,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
    if fault.exists():
        raise RmsError(fault.read_text(encoding="utf-8"))
    if status or not training.trained.is_dir():
        raise RmsError(f"judge: the training processes ended with status {status}; their words are in {log}")


def run_worker(folder: Path) -> None:
    """The share of one process in the job that lies in `folder`; a user's mistake is left there for who started it."""
    job = Job.model_validate(read_json(folder / _JOB), strict=False)
    training = Training(job.settings, Base(*job.base), job.policy, job.modality, job.seed, folder)
    try:
        train(training, *(list(_read(folder, split)) for split in _SPLITS))
    except RmsError as error:
        write_text(folder / FAULT, str(error))
        raise


def write_job(training: Training, *splits: Sequence[Example]) -> None:
    """Write the training with its examples into its folder, for `run_worker` in another process."""
    settings, base, policy, modality, seed, folder = training
    (folder / _PICTURES).mkdir(exist_ok=True)
    for name, examples in zip(_SPLITS, splits, strict=True):
        write_text(folder / f"{name}.jsonl", "".join(f"{line}\n" for line in _lines(folder, examples)))
    job = Job(settings=settings, base=base, policy=policy, modality=modality, seed=seed)
    write_json(folder / _JOB, job.model_dump(mode="json"))


def _lines(folder: Path, examples: Iterable[Example]) -> Iterator[str]:
    names: dict[SupportsBytes, str] = {}  # rows that share a picture share the object: it is written once
    for query, label, rationale in examples:
        names.update((image, _kept(folder, bytes(image))) for image in query.images if image not in names)
        pictures = [names[image] for image in query.images]
        row = _Row(pictures=pictures, text=query.text, response=query.response, label=label, rationale=rationale)
        yield row.model_dump_json()


def _kept(folder: Path, image: bytes) -> str:
    """Name of the file that holds the picture; one that a killed run left whole stays as it is."""
    name = hashlib.sha256(image).hexdigest()
    file = folder / _PICTURES / name
    if not file.exists() or file.stat().st_size != len(image):
        file.write_bytes(image)
    return name


def _read(folder: Path, split: str) -> Iterator[Example]:
    for line in (folder / f"{split}.jsonl").read_text(encoding="utf-8").split("\n")[:-1]:
        row = _Row.model_validate_json(line)
        images = tuple(_PictureFile(folder / _PICTURES / name) for name in row.pictures)
        yield Example(Query(images, row.text, row.response), row.label, row.rationale)
