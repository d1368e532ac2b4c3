"""The files and batches API of the fault server: batches that take their time, expire, fail, and lose items."""

import itertools
import json
import re
import time
from collections import Counter
from collections.abc import Callable
from hashlib import blake2b
from typing import Any

import orjson
from aiohttp import web
from fault_server import Behaviour, Stats

NO_API = "Invalid URL"
ENDED = ("completed", "failed", "expired", "cancelled")


class Batches:
    """Handlers; `complete(asked, body, name, fault)` makes the answer to one request, and enters it in the books."""

    def __init__(
        self,
        behaviour: Callable[[], Behaviour],
        stats: Callable[[], Stats],
        complete: Callable[[dict[str, Any], bytes, str, str], bytes],
        fault_of: Callable[[str, int], str],
    ) -> None:
        self._behaviour, self._stats, self._complete, self._fault_of = behaviour, stats, complete, fault_of
        self._files: dict[str, bytes] = {}
        self._batches: dict[str, dict[str, Any]] = {}
        self._begun: dict[str, float] = {}
        self._numbers = itertools.count(1)
        self._attempts: Counter[str] = Counter()

    def add_routes(self, app: web.Application) -> None:
        app.router.add_post("/v1/files", self._upload)
        app.router.add_get("/v1/files/{id}/content", self._content)
        app.router.add_delete("/v1/files/{id}", self._remove)
        app.router.add_post("/v1/batches", self._begin)
        app.router.add_get("/v1/batches", self._list)
        app.router.add_get("/v1/batches/{id}", self._retrieve)
        app.router.add_post("/v1/batches/{id}/cancel", self._cancel)

    async def _upload(self, request: web.Request) -> web.Response:
        if self._behaviour().html:
            return web.Response(text="<!doctype html><title>Welcome</title>", content_type="text/html")
        if self._behaviour().status_401:
            return _error(401, "Incorrect API key provided.")
        if self._behaviour().no_batches:
            return _error(404, NO_API)
        form = await request.post()
        file = form["file"]
        assert isinstance(file, web.FileField)
        assert form["purpose"] == "batch"
        return web.json_response(self._file(file.file.read()))

    def _file(self, content: bytes) -> dict[str, Any]:
        file_id = f"file-{next(self._numbers):04d}"
        self._files[file_id] = content
        return {
            "id": file_id, "object": "file", "bytes": len(content), "created_at": 0, "filename": "f.jsonl",
            "purpose": "batch", "status": "processed",
        }  # fmt: skip

    async def _content(self, request: web.Request) -> web.Response:
        content = self._files.get(request.match_info["id"])
        return _error(404, "No such File object") if content is None else web.Response(body=content)

    async def _remove(self, request: web.Request) -> web.Response:
        file_id = request.match_info["id"]
        if self._files.pop(file_id, None) is None:
            return _error(404, "No such File object")
        return web.json_response({"id": file_id, "object": "file", "deleted": True})

    async def _begin(self, request: web.Request) -> web.Response:
        asked = await request.json()
        lines = self._files[asked["input_file_id"]].splitlines()
        batch_id = f"batch_{next(self._numbers):04d}"
        batch = {
            "id": batch_id, "object": "batch", "endpoint": asked["endpoint"], "input_file_id": asked["input_file_id"],
            "completion_window": asked["completion_window"], "created_at": int(time.time()), "status": "validating",
            "metadata": asked.get("metadata"), "errors": None, "output_file_id": None, "error_file_id": None,
            "request_counts": {"total": len(lines), "completed": 0, "failed": 0},
        }  # fmt: skip
        room = self._behaviour().batch_room
        if room is not None and sum(other["status"] not in ENDED for other in self._batches.values()) >= room:
            _fail(batch, "token_limit_exceeded")
        self._batches[batch_id] = batch
        self._begun[batch_id] = time.monotonic()
        stats = self._stats()
        stats.batches += 1
        stats.batched += [json.loads(line)["custom_id"] for line in lines if batch["status"] != "failed"]
        if self._behaviour().batch_lost_answer:  # it has begun, and who asked does not hear of it
            return _error(500, "The server had an error while processing your request.")
        return web.json_response(batch)

    async def _list(self, _: web.Request) -> web.Response:
        if self._behaviour().no_batches:
            return _error(404, NO_API)
        return web.json_response({"object": "list", "data": list(reversed(self._batches.values())), "has_more": False})

    async def _retrieve(self, request: web.Request) -> web.Response:
        batch = self._batches.get(request.match_info["id"])
        if batch is None:
            return _error(404, "No batch found")
        self._advance(batch)
        return web.json_response(batch)

    async def _cancel(self, request: web.Request) -> web.Response:
        batch = self._batches[request.match_info["id"]]
        if batch["status"] not in ENDED:
            self._end(batch, "cancelled")
        return web.json_response(batch)

    def _advance(self, batch: dict[str, Any]) -> None:
        """What time has made of a batch."""
        if batch["status"] in ENDED:
            return
        behaviour, passed = self._behaviour(), time.monotonic() - self._begun[batch["id"]]
        if behaviour.batch_fails:
            _fail(batch, behaviour.batch_fails)
        elif passed >= behaviour.batch_s:
            self._end(batch, "expired" if behaviour.batch_expires else "completed")
        elif passed >= behaviour.batch_s / 4:
            batch["status"] = "in_progress"
            total = batch["request_counts"]["total"]
            batch["request_counts"]["completed"] = int(total * passed / behaviour.batch_s)

    def _end(self, batch: dict[str, Any], status: str) -> None:
        lines = self._files[batch["input_file_id"]].splitlines()
        done = lines if status == "completed" else lines[: len(lines) // 2]
        results = [self._result(line) for line in done]
        good = [result for result in results if result["response"] and result["response"]["status_code"] == 200]
        bad = [result for result in results if result not in good]
        if status == "expired":
            bad += [_unanswered(json.loads(line)["custom_id"]) for line in lines[len(done) :]]
        batch["status"] = status
        batch["request_counts"] |= {"completed": len(good), "failed": len(bad)}
        for name, rows in (("output_file_id", reversed(good)), ("error_file_id", bad)):
            content = "".join(f"{json.dumps(row)}\n" for row in rows).encode()
            batch[name] = self._file(content)["id"] if content else None

    def _result(self, line: bytes) -> dict[str, Any]:
        item = json.loads(line)
        body = orjson.dumps(item["body"])  # as it would come over the wire
        digest = blake2b(body, digest_size=8).hexdigest()
        attempt = self._attempts[digest]
        self._attempts[digest] += 1
        fault = self._fault_of(digest, attempt)
        if int(digest, 16) / 2**64 < self._behaviour().batch_expired_items:
            return _unanswered(item["custom_id"])
        status, answer = 200, None
        if fault in ("500", "503"):
            status, answer = int(fault), {"error": {"message": "The server had an error.", "code": None}}
        elif self._behaviour().batch_400:
            status, answer = 400, {"error": {"message": "Unsupported value: 'temperature'.", "code": None}}
        else:
            found = re.search(rb"item-\w+", body)
            answer = json.loads(self._complete(item["body"], body, found.group().decode() if found else digest, fault))
        response = {"status_code": status, "request_id": f"req_{digest}", "body": answer}
        return {"id": f"batch_req_{digest}", "custom_id": item["custom_id"], "response": response, "error": None}


def _fail(batch: dict[str, Any], code: str) -> None:
    batch["status"] = "failed"
    batch["errors"] = {"object": "list", "data": [{"code": code, "message": f"Not so: {code}.", "line": 1}]}


def _unanswered(custom_id: str) -> dict[str, Any]:
    error = {"code": "batch_expired", "message": "This request could not be executed before the completion window."}
    return {"id": "batch_req_none", "custom_id": custom_id, "response": None, "error": error}


def _error(status: int, message: str) -> web.Response:
    return web.json_response({"error": {"message": message, "type": "x", "param": None, "code": None}}, status=status)
