"""Claims between processes: one has a key until it gives it back or ends."""

import subprocess
import sys
from pathlib import Path

from rms.assistant.openai.claims import Claims

KEY, OTHER = "a" * 64, "b" * 64

_ELSEWHERE = """
import sys
from pathlib import Path
from rms.assistant.openai.claims import Claims
print(Claims(Path(sys.argv[1])).take(sys.argv[2]))
"""


def _free(path: Path, key: str) -> bool:
    """Whether another process, which ends then, can have the key."""
    command = [sys.executable, "-c", _ELSEWHERE, str(path), key]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout == "True\n"


def test_a_key_is_had_by_one_process_at_a_time(tmp_path: Path) -> None:
    claims = Claims(tmp_path / "new" / "asked")
    assert claims.take(KEY)
    assert not _free(tmp_path / "new" / "asked", KEY)
    assert _free(tmp_path / "new" / "asked", OTHER)
    claims.give_back(KEY)
    assert _free(tmp_path / "new" / "asked", KEY)


def test_what_one_client_has_is_not_let_go_when_another_one_of_its_process_is_done(tmp_path: Path) -> None:
    claims, others = Claims(tmp_path / "asked"), Claims(tmp_path / "asked")
    assert claims.take(KEY)
    assert others.take(OTHER)
    others.give_back(OTHER)
    del others
    assert not _free(tmp_path / "asked", KEY)


def test_without_a_file_every_key_is_had(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    claims = Claims(tmp_path / "file" / "asked")
    assert claims.take(KEY)
    claims.give_back(KEY)
