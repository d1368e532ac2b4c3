"""The serving side of `fault_server`: a process that does what a `Behaviour` says.

The behaviour is read as JSON from standard input, the address written to standard output, and the end of
standard input is the end of the server.
"""

import asyncio
import json
import math
import re
import sys
import time
from collections import Counter
from contextlib import suppress
from email.utils import formatdate
from hashlib import blake2b
from typing import Any

from aiohttp import web
from fault_answers import NAME, find_schema, instance, lengthened
from fault_batches import Batches
from fault_server import Behaviour, Seen, Stats

GRACE_S = 0.1
"""A request sent before the answer that said to wait could be read is not early."""
GONE = 499
"""Logged for a request whose client went away before the answer."""


class Endpoint:
    """The handlers and what they remember."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.stats = Stats()
        self._started = time.monotonic()
        self._prepared: dict[str, str] = {}
        self._behave(behaviour)

    def app(self) -> web.Application:
        app = web.Application(client_max_size=1 << 28)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_get("/v1/models", self._models)
        Batches(lambda: self._behaviour, lambda: self.stats, self._completion, self._fault).add_routes(app)
        app.router.add_get("/stats", self._show)
        app.router.add_post("/behaviour", self._change)
        return app

    def _behave(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._queue = asyncio.Semaphore(behaviour.slots or 1_000_000)
        self._saved = (behaviour.rpm or 0) / 60
        self._saved_at = time.monotonic()
        self._attempts: Counter[str] = Counter()
        self._wait_until: dict[str, float] = {}
        self._pause = (0.0, 0.0)  # told at, until

    async def _change(self, request: web.Request) -> web.Response:
        wanted = await request.json()
        self._behave(Behaviour(**wanted["behaviour"]))
        if wanted["forget"]:
            self.stats = Stats(in_flight=self.stats.in_flight)
        return web.Response()

    async def _show(self, _: web.Request) -> web.Response:
        return web.json_response(vars(self.stats))

    async def _models(self, request: web.Request) -> web.Response:
        if fatal := self._fatal(request):
            return fatal
        return web.json_response({"object": "list", "data": [{"id": "mock", "object": "model", "owned_by": "rms"}]})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        stats, arrived = self.stats, time.monotonic()
        stats.requests += 1
        stats.in_flight += 1
        stats.max_in_flight = max(stats.max_in_flight, stats.in_flight)
        in_flight, digest, name, fault, status = stats.in_flight, "", "", "", GONE
        try:
            body = await request.read()
            digest = blake2b(body, digest_size=8).hexdigest()
            found = re.search(rb"item-\w+", body)
            name = found.group().decode() if found else ""
            attempt = self._attempts[digest]
            self._attempts[digest] += 1
            self._count_early(digest, arrived)
            answer: web.StreamResponse | None = self._fatal(request) or self._limited(digest)
            if answer is None:
                fault = self._fault(digest, attempt)
                answer = await self._work(request, body, name or digest, fault)
            if self._behaviour.echo_key and isinstance(answer, web.Response) and answer.status >= 400:
                answer = _error(answer.status, f"{request.headers.get('Authorization')} was told: {answer.text}")
            status = 0 if fault == "reset" else answer.status
            return answer
        finally:
            stats.in_flight -= 1
            stats.answered += status == 200
            at = round(arrived - self._started, 4)
            stats.log.append(Seen(digest, 0 if fault == "hang" else status, fault, at, in_flight, name))

    async def _work(self, request: web.Request, body: bytes, name: str, fault: str) -> web.StreamResponse:
        if fault == "hang":
            await asyncio.sleep(86_400)
        async with self._queue:
            if self._behaviour.latency_s:
                await asyncio.sleep(self._behaviour.latency_s)
        if fault == "reset":
            if request.transport:
                request.transport.abort()
            return web.Response()
        if fault in ("500", "503"):
            return _error(int(fault), "The server had an error while processing your request.", "server_error")
        asked = json.loads(body)
        if unfit := self._unfit(asked, body):
            return unfit
        whole = self._completion(asked, body, name, fault)
        if fault == "slow_drip":
            return await self._drip(request, whole)
        return web.Response(body=whole, content_type="application/json")

    async def _drip(self, request: web.Request, whole: bytes) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(whole))})
        await answer.prepare(request)
        steps = 50
        size = math.ceil(len(whole) / steps)
        for start in range(0, len(whole), size):
            await asyncio.sleep(self._behaviour.drip_s / steps)
            await answer.write(whole[start : start + size])
        await answer.write_eof()
        return answer

    def _completion(self, asked: dict[str, Any], body: bytes, name: str, fault: str) -> bytes:
        """The whole answer; what it says it used goes into the books."""
        finish, refusal = "stop", None
        text: str | None = self._judged(asked, self._varied(self._good(asked))).replace(NAME, name)
        assert text is not None
        if fault == "truncated_json":
            text, finish = text[: len(text) // 2], "length" if len(body) % 2 else "stop"
        elif fault == "wrong_schema":
            text = '{"unexpected": [1, 2]}'
        elif fault == "empty":
            text = ""
        elif fault == "refusal":
            text, refusal = None, "I'm sorry, I can't help with that."
        thinking = self._behaviour.reasoning_tokens
        if thinking and text is not None:
            text = f'<think>Is {{"this": "it"}}? No.</think>\n{text}'
        message = {"role": "assistant", "content": text, "refusal": refusal}
        choice: dict[str, Any] = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
        if asked.get("logprobs"):
            likely = [{"token": one, "logprob": math.log(p)} for one, p in self._behaviour.first_tokens.items()]
            said = likely[0] if likely else {"token": "{", "logprob": -0.1}
            choice["logprobs"] = {"content": [{**said, "bytes": None, "top_logprobs": likely[: asked["top_logprobs"]]}]}
        used_in, used_out = len(body) // 4, len(text or refusal or "") // 4 + thinking
        answer = {"id": f"chatcmpl-{name}", "object": "chat.completion", "created": 0, "model": asked.get("model")}
        answer |= {"choices": [choice], "system_fingerprint": "fp_mock"}
        if not self._behaviour.no_usage:
            answer["usage"] = {
                "prompt_tokens": used_in,
                "completion_tokens": used_out,
                "total_tokens": used_in + used_out,
                "completion_tokens_details": {"reasoning_tokens": thinking},
            }
        self.stats.input_tokens += used_in
        self.stats.output_tokens += used_out
        self.stats.reasoning_tokens += thinking
        return json.dumps(answer).encode()

    def _good(self, asked: dict[str, Any]) -> str:
        """JSON by the schema asked for, or found in the prompt; prose around it where no format was asked for."""
        form = asked.get("response_format") or {"type": "text"}
        if form["type"] == "json_schema":
            key = json.dumps(form)
            if key not in self._prepared:
                self._prepared[key] = json.dumps(instance(form["json_schema"]["schema"]))
            return self._prepared[key]
        texts = [part.get("text", "") for message in asked["messages"] for part in _parts(message)]
        schema = find_schema("\n".join(texts))
        if schema is None:
            return "{}" if form["type"] == "json_object" else "OK"
        text = json.dumps(instance(schema))
        return (
            text
            if form["type"] == "json_object"
            else f"Here is what you asked for:\n```json\n{text}\n```\nAnything else?"
        )

    def _varied(self, text: str) -> str:
        """The answer as the behaviour wants it, whatever the question."""
        for given, wanted in self._behaviour.instead.items():
            text = text.replace(given, wanted)
        return lengthened(text, self._behaviour.items) if self._behaviour.items > 1 else text

    def _judged(self, asked: dict[str, Any], text: str) -> str:
        """The answer, with the other verdict where the behaviour wants it; the same for the same question."""
        question = json.dumps(asked["messages"][-1])
        if not self._behaviour.unsafe_if or self._behaviour.unsafe_if not in question:
            return text
        odd = blake2b(question.encode(), digest_size=1).digest()[0] % 2
        return text.replace('"verdict": "safe"', '"verdict": "unsafe"') if odd else text

    def _unfit(self, asked: dict[str, Any], body: bytes) -> web.Response | None:
        """The error for what this endpoint does not know how to do."""
        does_not = self._behaviour
        unknown = [name for name in does_not.unknown_parameters if asked.get(name) is not None]
        if unknown:
            return _error(400, f"Unsupported parameter: '{unknown[0]}' is not supported with this model.")
        form = (asked.get("response_format") or {}).get("type", "text")
        lacking = {"json_schema": does_not.no_json_schema, "json_object": does_not.no_json_object}
        if lacking.get(form):
            return _error(400, f"Invalid parameter: 'response_format' of type '{form}' is not supported.")
        if does_not.no_logprobs and asked.get("logprobs"):
            return _error(400, "Invalid parameter: 'logprobs' is not supported with this model.")
        if does_not.no_seed and asked.get("seed") is not None:
            return _error(400, "Invalid parameter: 'seed' is not supported with this model.")
        if does_not.no_vision and b'"image_url"' in body:
            return _error(400, "Invalid content type. image_url is only supported by certain models.")
        return None

    def _fatal(self, request: web.Request) -> web.Response | None:
        if self._behaviour.html:
            return web.Response(
                text="<!doctype html><title>Welcome</title><h1>It works!</h1>", content_type="text/html"
            )
        if self._behaviour.status_401:
            return _error(401, "Incorrect API key provided.", code="invalid_api_key")
        if self._behaviour.unknown_model_404 and request.method == "POST":
            return _error(404, "The model does not exist or you do not have access to it.", code="model_not_found")
        return None

    def _limited(self, digest: str) -> web.Response | None:
        """A token bucket that holds one second's worth."""
        if not self._behaviour.rpm:
            return None
        rate, now = self._behaviour.rpm / 60, time.monotonic()
        self._saved = min(max(rate, 1.0), self._saved + (now - self._saved_at) * rate)
        self._saved_at = now
        if self._saved >= 1:
            self._saved -= 1
            return None
        self.stats.refused_429 += 1
        answer = _error(429, "Rate limit reached for requests per minute.", "requests", "rate_limit_exceeded")
        wait: float = math.ceil((1 - self._saved) / rate)
        if self._behaviour.retry_after == "none":
            return answer
        if self._behaviour.retry_after == "date":
            moment = math.ceil(time.time() + wait)
            wait = moment - time.time()
            answer.headers["Retry-After"] = formatdate(moment, usegmt=True)
        else:
            answer.headers["Retry-After"] = str(wait)
        told, until = self._pause
        self._pause = (now if now > until else told, now + wait)
        self._wait_until[digest] = now + wait
        return answer

    def _count_early(self, digest: str, now: float) -> None:
        told, until = self._pause
        self.stats.early += now < self._wait_until.get(digest, 0.0)
        self.stats.early_any += told + GRACE_S < now < until

    def _fault(self, digest: str, attempt: int) -> str:
        """The fault this attempt meets, or ""."""
        key = f"{self._behaviour.seed}:{digest}:{attempt}".encode()
        point = int.from_bytes(blake2b(key, digest_size=8).digest(), "big") / 2**64
        for name, share in _shares(self._behaviour):
            if point < share:
                return name
            point -= share
        return ""


def _shares(behaviour: Behaviour) -> list[tuple[str, float]]:
    return [
        (name.removeprefix("share_"), value) for name, value in vars(behaviour).items() if name.startswith("share_")
    ]


def _parts(message: dict[str, Any]) -> list[dict[str, Any]]:
    content = message["content"]
    return [{"text": content}] if isinstance(content, str) else content


def _error(status: int, message: str, kind: str = "invalid_request_error", code: str | None = None) -> web.Response:
    return web.json_response({"error": {"message": message, "type": kind, "param": None, "code": code}}, status=status)


async def serve() -> None:
    """Serve until standard input ends."""
    behaviour = Behaviour(**json.loads(sys.stdin.readline()))
    runner = web.AppRunner(Endpoint(behaviour).app(), handler_cancellation=True, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
    await site.start()
    host, port = runner.addresses[0][:2]
    print(f"http://{host}:{port}/v1", flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(serve())
