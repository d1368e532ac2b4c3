"""Ask an endpoint about many photographs in one way, and print as JSON what came of it. Run by bench/generate.py.

python bench/contenders/ask.py '{"way": "rms", "settings": {...}, "count": 1000, "workers": 64, "picture": "a.jpg"}'

Each question has a photograph of its own (one and the same, with a counter behind its last byte) and a schema of
two fields. A line is printed for each answer when it is handed on, if "tell" is set.
"""

import asyncio
import base64
import json
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Literal, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from pydantic import BaseModel

SYSTEM = "You check photographs for a safety dataset. Answer by the schema."
QUESTION = "This is item-{:06d}. Is the photograph safe to show to anyone?"


class Judgement(BaseModel):
    """The two fields."""

    verdict: Literal["safe", "unsafe"]
    reason: str


SCHEMA = Judgement.model_json_schema()
Work = Callable[[], dict[str, int]]
"""Asks all questions; returns the tokens that were counted on the way, where they were."""


class Job(NamedTuple):
    """What to do."""

    way: Literal["rms", "sdk", "aiohttp"]
    settings: dict[str, Any]
    """Of rms.params.OpenAIAssistant; the other ways use what they know of it."""
    count: int
    workers: int
    picture: str
    tell: bool = False

    def image(self, base: bytes, number: int) -> bytes:
        return base + number.to_bytes(4, "big")


def name(number: int) -> str:
    return f"item-{number:06d}"


class Tally:
    """What came of each question."""

    def __init__(self, tell: bool) -> None:
        self.counts: Counter[str] = Counter(good=0, failed=0, wrong=0)
        self.failed: list[str] = []
        self._tell = tell

    def take(self, number: int, answer: Judgement | None) -> None:
        if answer is None:
            self.counts["failed"] += 1
            self.failed.append(name(number))
            return
        self.counts["good" if name(number) in answer.reason else "wrong"] += 1
        if self._tell:
            print(name(number), flush=True)


def rms(job: Job, base: bytes, tally: Tally) -> Work:
    """The client of this project, as the stages use it."""
    from rms.assistant.interface import NoAnswerError  # noqa: PLC0415 - part of what is measured
    from rms.assistant.openai.client import Client  # noqa: PLC0415
    from rms.assistant.openai.request import Message, Request  # noqa: PLC0415
    from rms.params import OpenAIAssistant  # noqa: PLC0415
    from rms.turns import in_turns  # noqa: PLC0415

    settings = OpenAIAssistant.model_validate(job.settings)

    def work() -> dict[str, int]:
        client = Client(settings)

        def ask(number: int) -> tuple[int, Judgement | None]:
            messages = [
                Message("system", SYSTEM),
                Message("user", QUESTION.format(number), (job.image(base, number),)),
            ]
            try:
                return number, client.ask(Request("bench", messages, SCHEMA), Judgement)
            except NoAnswerError:
                return number, None

        for number, answer in in_turns(ask, range(job.count), job.workers):
            tally.take(number, answer)
        client.close()
        return dict(client.ledger.sent)

    return work


def sdk(job: Job, base: bytes, tally: Tally) -> Work:
    """Bare AsyncOpenAI: no retries, no cache, no accounting."""
    from openai import AsyncOpenAI, OpenAIError  # noqa: PLC0415 - part of what is measured

    async def every() -> None:
        async with AsyncOpenAI(
            base_url=job.settings["base_url"], api_key="none", max_retries=0, timeout=job.settings["timeout_s"]
        ) as client:

            async def content(body: dict[str, Any]) -> str:
                made = await client.chat.completions.create(**body)
                return made.choices[0].message.content or ""

            await _by_workers(job, base, tally, content, OpenAIError)

    return lambda: asyncio.run(every()) or {}


def raw(job: Job, base: bytes, tally: Tally) -> Work:
    """A loop of POSTs over aiohttp: no retries, no cache, no accounting."""
    import aiohttp  # noqa: PLC0415 - part of what is measured

    async def every() -> None:
        url = f"{job.settings['base_url']}/chat/completions"
        limit = aiohttp.ClientTimeout(total=job.settings["timeout_s"])
        headers = {"Content-Type": "application/json"}
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector, timeout=limit, headers=headers) as session:

            async def content(body: dict[str, Any]) -> str:
                async with session.post(url, data=json.dumps(body).encode()) as response:
                    made = json.loads(await response.read())
                text: str = made["choices"][0]["message"]["content"]
                return text

            await _by_workers(job, base, tally, content, aiohttp.ClientError, TimeoutError, KeyError)

    return lambda: asyncio.run(every()) or {}


async def _by_workers(
    job: Job,
    base: bytes,
    tally: Tally,
    content: Callable[[dict[str, Any]], Awaitable[str]],
    *troubles: type[Exception],
) -> None:
    """Ask all questions, so many at a time; `content` sends a body and returns what came, or raises `troubles`."""
    numbers = iter(range(job.count))

    async def worker() -> None:
        for number in numbers:
            try:
                answer = Judgement.model_validate_json(await content(_body(job, base, number)))
            except (ValueError, *troubles):  # the former for what is no JSON, or not by the schema
                tally.take(number, None)
            else:
                tally.take(number, answer)

    await asyncio.gather(*(worker() for _ in range(job.workers)))


def _body(job: Job, base: bytes, number: int) -> dict[str, Any]:
    """The same question as this project's client asks."""
    url = f"data:image/jpeg;base64,{base64.b64encode(job.image(base, number)).decode()}"
    content = [
        {"type": "image_url", "image_url": {"url": url, "detail": "low"}},
        {"type": "text", "text": QUESTION.format(number)},
    ]
    form = {"name": "Judgement", "strict": True, "schema": SCHEMA}
    return {
        "model": job.settings["model"],
        "messages": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": content}],
        "response_format": {"type": "json_schema", "json_schema": form},
        "temperature": job.settings["temperature"],
        "seed": job.settings["seed"],
        "max_tokens": job.settings["max_tokens"],
    }


def _peak_mb() -> float:
    """Of this process alone; ru_maxrss would count what the parent had before the exec."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    found = re.search(r"VmHWM:\s*(\d+) kB", status)
    assert found
    return int(found.group(1)) / 1024


def main() -> None:
    """Do the job of the command line."""
    job = Job(**json.loads(sys.argv[1]))
    base = Path(job.picture).read_bytes()
    start = time.perf_counter()
    tally = Tally(job.tell)
    work = {"rms": rms, "sdk": sdk, "aiohttp": raw}[job.way](job, base, tally)
    imported = time.perf_counter()
    cpu = time.process_time()
    books = work()
    seconds, cpu = time.perf_counter() - imported, time.process_time() - cpu
    counts = {**tally.counts, "failed_names": tally.failed, "books": books}
    took = {"seconds": seconds, "cpu_s": cpu, "import_s": imported - start, "peak_mb": _peak_mb(), "pid": os.getpid()}
    print(json.dumps({**took, **counts}), flush=True)


if __name__ == "__main__":
    main()
