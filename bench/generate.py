"""How fast and how safely an endpoint is asked: speed, memory, faults, kills, limits and the books.

    python bench/generate.py                       every scenario, four to six minutes
    python bench/generate.py --only speed kill     some of them

The endpoint is tests/assistant/openai/fault_server.py in a process of its own; every measurement is a fresh
process with a cache of its own. A line says what was reached and what was to be reached; `--strict` exits with 1
where a target was missed. Beside this project's client, bare AsyncOpenAI and a bare aiohttp loop ask the same.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests/assistant/openai"))

from fault_server import Behaviour, Server, running

from rms.compose import params_for

ROOT = Path(__file__).resolve().parents[1]
CONTENDER = ROOT / "bench/contenders/ask.py"
Result = dict[str, Any]


class Bench:
    """Runs contenders in a scratch folder, and remembers which targets were missed."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._facts = params_for(["assistant=openai"]).assistant.model_dump()
        self._picture = scratch / "picture.jpg"
        self._picture.write_bytes(picture())
        self.missed: list[str] = []

    def command(self, server: Server, way: str, count: int, workers: int, tell: bool, **more: Any) -> list[str]:
        own = {"base_url": server.url, "model": "mock", "api_key_env": "", "max_tokens_name": "max_tokens"}
        settings = {**self._facts, **own, "concurrency": workers, "timeout_s": 30.0, **more}
        job = {"way": way, "settings": settings, "count": count, "workers": workers, "tell": tell}
        return [sys.executable, str(CONTENDER), json.dumps({**job, "picture": str(self._picture)})]

    def environment(self, cache: str) -> dict[str, str]:
        return {**os.environ, "RMS_CACHE_DIR": str(self._scratch / cache)}

    def ask(self, server: Server, cache: str, count: int, workers: int, way: str = "rms", **more: Any) -> Result:
        """Ask `count` questions and return what the contender printed; `more` are settings."""
        done = subprocess.run(
            self.command(server, way, count, workers, tell=False, **more),
            env=self.environment(cache), stdout=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            sys.exit(f"{way}: exit code {done.returncode}")
        result: Result = json.loads(done.stdout)
        return result

    def ask_until_killed(self, server: Server, cache: str, count: int, workers: int) -> list[str]:
        """Kill the contender without warning when it has handed on half of its answers; return those."""
        command = self.command(server, "rms", count, workers, tell=True)
        names = []
        with subprocess.Popen(command, env=self.environment(cache), stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            for line in process.stdout:
                names.append(line.strip())
                if len(names) == count // 2:
                    os.kill(process.pid, signal.SIGKILL)
        return [name for name in names if name.startswith("item-")]

    def verdict(self, reached: bool, what: str) -> None:
        """Print a line that says whether a target was reached."""
        print(f"  {'ok    ' if reached else 'MISSED'} {what}", flush=True)
        if not reached:
            self.missed.append(what)


def picture() -> bytes:
    """A JPEG of 256 px that is about as large as a photograph's."""
    import numpy as np  # noqa: PLC0415 - contenders are started from here and must not wait for it
    from PIL import Image  # noqa: PLC0415

    coarse = np.random.default_rng(0).integers(0, 255, (24, 24, 3), dtype=np.uint8)
    out = BytesIO()
    Image.fromarray(coarse).resize((256, 256), Image.Resampling.BICUBIC).save(out, "JPEG", quality=85)
    return out.getvalue()


def told(way: str, result: Result, count: int) -> float:
    """Print what a way took and return requests per second."""
    rate: float = count / result["seconds"]
    cpu = 1000 * result["cpu_s"] / count
    print(f"  {way:8} {rate:7.0f} requests/s, {cpu:5.2f} ms CPU each, peak {result['peak_mb']:4.0f} MB, ", end="")
    print(f"imports {result['import_s']:.2f} s, good {result['good']} of {count}", flush=True)
    return rate


def speed(bench: Bench) -> None:
    """1,000 requests, 64 in flight, 200 ms latency; then again from the cache."""
    rates = {}
    with running(Behaviour(latency_s=0.2)) as server:
        for way in ("aiohttp", "sdk", "rms"):
            server.behave(Behaviour(latency_s=0.2), forget=True)
            result = bench.ask(server, "speed", 1000, 64, way)
            rates[way] = told(way, result, 1000)
        bench.verdict(rates["rms"] >= 275, f"{rates['rms']:.0f} requests/s (at least 275; ideal 313)")
        bench.verdict(rates["rms"] >= 1.3 * rates["sdk"], f"{rates['rms'] / rates['sdk']:.2f} x AsyncOpenAI (1.3)")
        bench.verdict(result["peak_mb"] < 150, f"{result['peak_mb']:.0f} MB (under 150)")
        before = server.stats().requests
        warm = bench.ask(server, "speed", 1000, 64)
        sent = server.stats().requests - before
        bench.verdict(warm["seconds"] < 0.5 and not sent, f"again: {warm['seconds']:.2f} s (0.5), {sent} sent (0)")


def client_bound(bench: Bench) -> None:
    """300 requests, 256 in flight, 50 ms latency: the client is the wall."""
    with running(Behaviour(latency_s=0.05)) as server:
        rates = {way: told(way, bench.ask(server, "bound", 300, 256, way), 300) for way in ("aiohttp", "sdk", "rms")}
    bench.verdict(rates["rms"] >= 1000, f"{rates['rms']:.0f} requests/s (at least 1,000)")


def kill(bench: Bench) -> None:
    """1,000 requests, killed without warning at half, run again."""
    with running(Behaviour(latency_s=0.1)) as server:
        handed_on = bench.ask_until_killed(server, "kill", 1000, 64)
        first = server.log()
        server.behave(Behaviour(latency_s=0.1), forget=True)
        result = bench.ask(server, "kill", 1000, 64)
        again = {one.name for one in server.log()} & {one.name for one in first}
    lost = again & set(handed_on)
    bench.verdict(not lost, f"{len(lost)} of {len(handed_on)} answers lost (0)")
    bench.verdict(len(again) <= 64, f"{len(again)} requests sent again (at most the 64 in flight)")
    bench.verdict(result["good"] == 1000, f"{result['good']} good in the end (1,000)")


def faults(bench: Bench) -> None:
    """300 requests against 10% 500s, 5% truncated, 3% hangs; then 50% and 20%, and a rerun on a healthy server."""
    some = Behaviour(latency_s=0.05, share_500=0.1, share_truncated_json=0.05, share_hang=0.03)
    many = Behaviour(latency_s=0.05, share_500=0.5, share_truncated_json=0.2)
    with running(some) as server:
        for way in ("aiohttp", "sdk", "rms"):
            result = bench.ask(server, "some", 300, 64, way, timeout_s=2.0)
            told(way, result, 300)
        bench.verdict(result["good"] == 300, f"{result['good']} good, {result['wrong']} wrong (300, 0)")
        server.behave(many, forget=True)
        result = bench.ask(server, "many", 300, 64, retries=2)
        told("rms", result, 300)
        failed = set(result["failed_names"])
        bench.verdict(
            not result["wrong"] and result["good"] + len(failed) == 300,
            f"most attempts fail: {result['good']} good, {len(failed)} told as failed, {result['wrong']} wrong (0)",
        )
        server.behave(Behaviour(), forget=True)
        result = bench.ask(server, "many", 300, 64)
        asked = {one.name for one in server.log()}
        bench.verdict(result["good"] == 300 and asked == failed, f"healed: {result['good']} good, {len(asked)} asked")


def rate_limit(bench: Bench) -> None:
    """300 requests against 600 a minute."""
    for form in ("seconds", "date"):
        with running(Behaviour(latency_s=0.05, rpm=600, retry_after=form)) as server:
            result = bench.ask(server, f"limit {form}", 300, 64)
            books = server.stats()
        least = 29.0
        in_time = result["seconds"] <= 1.15 * least and result["good"] == 300
        bench.verdict(
            in_time, f"{form}: {result['good']} good in {result['seconds']:.1f} s (300 in {1.15 * least:.1f})"
        )
        bench.verdict(books.early == 0, f"{books.early} before their Retry-After (0); {books.early_any} of all")
        bench.verdict(books.refused_429 < 60, f"{books.refused_429} answers of 429 (under 60)")


def slow_server(bench: Bench) -> None:
    """A server with one slot and a queue: 300 requests of 50 ms."""
    with running(Behaviour(latency_s=0.05, slots=1)) as server:
        result = bench.ask(server, "slow", 300, 64, timeout_s=5.0)
        late = server.log()[150:]
    settled = median(one.in_flight for one in late)
    bench.verdict(settled <= 3, f"settles at {settled:.0f} in flight, {max(one.in_flight for one in late)} at most (3)")
    gone = sum(one.status != 200 for one in late)
    bench.verdict(gone == 0, f"{gone} time-outs after settling (0)")
    bench.verdict(result["seconds"] < 1.15 * 15, f"{result['seconds']:.1f} s (ideal 15.0)")


def books(bench: Bench) -> None:
    """Tokens of every answer, good or not, against the server's own count."""
    faulty = Behaviour(share_truncated_json=0.1, share_wrong_schema=0.05, share_empty=0.05, share_refusal=0.02)
    with running(Behaviour(**{**vars(faulty), "reasoning_tokens": 40, "share_500": 0.05})) as server:
        result = bench.ask(server, "books", 300, 64)
        theirs = server.stats()
    own = (result["books"]["input_tokens"], result["books"]["output_tokens"])
    count = (theirs.input_tokens, theirs.output_tokens)
    bench.verdict(own == count, f"tokens in and out: {own} in the books, {count} of the server")


def scale(bench: Bench) -> None:
    """35,000 records: memory, and a warm rerun."""
    with running(Behaviour()) as server:
        small = bench.ask(server, "small", 1000, 64)
        large = bench.ask(server, "large", 35_000, 64)
        told("rms", large, 35_000)
        server.behave(Behaviour(), forget=True)
        warm = bench.ask(server, "large", 35_000, 64)
        sent = server.stats().requests
    grown = large["peak_mb"] / small["peak_mb"] - 1
    bench.verdict(grown < 0.2, f"{small['peak_mb']:.0f} MB for 1,000, {large['peak_mb']:.0f} for 35,000 (within 20%)")
    bench.verdict(warm["seconds"] < 12 and not sent, f"again: {warm['seconds']:.1f} s (under 12), {sent} sent (0)")


SCENARIOS: dict[str, Callable[[Bench], None]] = {
    scenario.__name__: scenario
    for scenario in (speed, client_bound, kill, faults, rate_limit, slow_server, books, scale)
}


def main() -> None:
    """Run the scenarios asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=SCENARIOS, default=list(SCENARIOS), help="names of scenarios")
    parser.add_argument("--strict", action="store_true", help="exit with 1 where a target was missed")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(Path(scratch))
        for name in options.only:
            print(f"{name}: {SCENARIOS[name].__doc__}", flush=True)
            SCENARIOS[name](bench)
    if options.strict and bench.missed:
        sys.exit(f"missed: {len(bench.missed)}")


if __name__ == "__main__":
    main()
