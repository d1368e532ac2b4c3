"""A small server that speaks the few routes of the Hugging Face Hub that a download takes."""

import contextlib
import json
import threading
from collections.abc import Iterator
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import unquote, urlsplit


class Repo(NamedTuple):
    """A dataset repository at its newest commit."""

    files: dict[str, bytes]
    commit: str = "c0ffee" * 6 + "c0ff"
    token: str = ""
    """What a gated repository asks for."""


class FakeHub(NamedTuple):
    """Where it listens, and what it was asked for."""

    address: str
    requests: list[str]


@contextlib.contextmanager
def fake_hub(repos: dict[str, Repo]) -> Iterator[FakeHub]:
    requests: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            self._answer(body=True)

        def log_message(self, *_: object) -> None:
            pass

        def _answer(self, *, body: bool) -> None:
            path = unquote(urlsplit(self.path).path)
            requests.append(path)
            route, _, rest = path.removeprefix("/api").removeprefix("/datasets/").partition("/revision/")
            repo = next((name for name in repos if route == name or route.startswith(f"{name}/")), None)
            if repo is None:
                return self._send(401, {"error": "not found"}, body=body, code="RepoNotFound")
            found = repos[repo]
            if found.token and self.headers.get("Authorization") != f"Bearer {found.token}" and "/resolve/" in path:
                return self._send(403, {"error": "gated"}, body=body, code="GatedRepo")
            if rest and rest != found.commit:
                return self._send(404, {"error": "no such revision"}, body=body, code="RevisionNotFound")
            tail = route.removeprefix(repo).removeprefix("/")
            if tail.startswith("tree/"):
                listing = [
                    {"type": "file", "path": name, "size": len(data), "oid": sha1(data).hexdigest()}
                    for name, data in found.files.items()
                ]
                return self._send(200, listing, body=body)
            if tail.startswith("resolve/"):
                data = found.files[tail.split("/", 2)[2]]
                return self._send(200, data, body=body, etag=sha1(data).hexdigest(), commit=found.commit)
            return self._send(200, {"id": repo, "sha": found.commit, "siblings": []}, body=body)

        def _send(
            self, status: int, content: object, *, body: bool, code: str = "", etag: str = "", commit: str = ""
        ) -> None:
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.send_header("Content-Type", "application/octet-stream" if etag else "application/json")
            for name, value in {"X-Error-Code": code, "ETag": f'"{etag}"', "X-Repo-Commit": commit}.items():
                if value.strip('"'):
                    self.send_header(name, value)
            self.end_headers()
            if body:
                self.wfile.write(data)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield FakeHub(f"http://127.0.0.1:{server.server_port}", requests)
        finally:
            server.shutdown()
            thread.join()
