"""A copy of the project to run commands in, and what can befall it."""

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).resolve().parents[2]

# Python runs this at its start in every process. Libraries may swallow the error, so each try is also written down.
_GUARD = """
import os, socket, sys

def refuse_connections(event, arguments):
    if event not in ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"):
        return
    if isinstance(arguments[0], socket.socket) and arguments[0].family == socket.AF_UNIX:
        return
    with open(os.environ["CONNECTIONS_TRIED"], "a") as log:
        print(sys.argv, event, arguments, file=log)
    raise ConnectionRefusedError("this run may open no connection")

sys.addaudithook(refuse_connections)
"""


class Outcome(NamedTuple):
    """What became of a command."""

    status: int
    output: str
    """Of stdout and stderr together."""

    @property
    def stages(self) -> list[str]:
        """Stages that DVC ran, in order."""
        return [line.split("'")[1] for line in self.output.splitlines() if line.startswith("Running stage ")]


@dataclass(frozen=True)
class Project:
    """A copy of the project in a git repository of its own."""

    folder: Path
    environment: dict[str, str]

    def try_to(self, *command: str) -> Outcome:
        """Run a command in the project, whatever becomes of it."""
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, text=True, timeout=400, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        return Outcome(done.returncode, done.stdout)

    def do(self, *command: str) -> Outcome:
        """Run a command that must succeed."""
        outcome = self.try_to(*command)
        assert outcome.status == 0, f"{' '.join(command)}\n{outcome.output}"
        return outcome

    def commit(self) -> None:
        self.do("git", "add", "--all")
        self.do("git", "commit", "--quiet", "--message", "state")

    def locked(self) -> dict[str, Any]:
        """By stage what `dvc.lock` says of its inputs, parameters and outputs."""
        stages: dict[str, Any] = yaml.safe_load((self.folder / "dvc.lock").read_text())["stages"]
        return stages

    def copy(self, folder: Path) -> "Project":
        """The project as it stands, with what its runs made and DVC's cache."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Project(folder, self.environment)


def new_project(folder: Path) -> Project:
    """The project as its working tree stands, freshly committed, without a trace of earlier runs."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=True,
    )  # fmt: skip
    for name in map(os.fsdecode, filter(None, listed.stdout.split(b"\0"))):
        if name != "dvc.lock" and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    home = folder.with_name(f"{folder.name}-home")
    home.mkdir()
    settings_of_others = ("GIT_", "DVC_", "RMS_", "HF_", "XDG_", "PYTHON", "VIRTUAL_ENV")
    project = Project(
        folder,
        {
            **{name: value for name, value in os.environ.items() if not name.startswith(settings_of_others)},
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(home),
            "DVC_SITE_CACHE_DIR": str(home / "dvc"),
        },
    )
    project.do("git", "init", "--quiet")
    project.do("git", "config", "user.name", "Tester")
    project.do("git", "config", "user.email", "tester@example.org")
    project.commit()
    return project


def guard(project: Project, connections: Path) -> Project:
    """The same project, refusing connections and noting each try in the file `connections`.

    Stages have the project's src on their path, DVC itself has what the environment says; both are guarded.
    """
    elsewhere = project.folder.with_name("guard")
    elsewhere.mkdir()
    for place in (project.folder / "src", elsewhere):
        (place / "sitecustomize.py").write_text(_GUARD)
    variables = {"PYTHONPATH": str(elsewhere), "CONNECTIONS_TRIED": str(connections)}
    return Project(project.folder, project.environment | variables)


def kill_while_generating(project: Project) -> None:
    """Start `dvc repro` and stop it and its stage at once, as a power cut would."""
    running = subprocess.Popen(
        ["dvc", "repro"], cwd=project.folder, env=project.environment, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while not list(project.folder.glob("data/.triplets*partial/descriptions/*")):
        assert running.poll() is None, "the run ended before it generated anything"
        time.sleep(0.02)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
