"""A small server that speaks the routes of the Hugging Face Hub that downloads and a judge's upload take."""

import base64
import contextlib
import json
import threading
from collections.abc import Iterator
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

COMMIT = "c0ffee" * 6 + "c0ff"


class Repo(NamedTuple):
    """A repository of a dataset or a model at its newest commit."""

    files: dict[str, bytes]
    commit: str = COMMIT
    token: str = ""
    """What a gated repository asks for."""


class FakeHub(NamedTuple):
    """Where it listens, what it holds by name, the paths it was asked for, and the tokens that uploads showed."""

    address: str
    repos: dict[str, Repo]
    requests: list[str]
    tokens: set[str]


@contextlib.contextmanager
def fake_hub(repos: dict[str, Repo]) -> Iterator[FakeHub]:
    requests: list[str] = []
    tokens: set[str] = set()

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._get(body=False)

        def do_GET(self) -> None:
            self._get(body=True)

        def do_POST(self) -> None:
            tokens.add(self.headers.get("Authorization", ""))
            content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            path = unquote(urlsplit(self.path).path)
            requests.append(path)
            root = f"http://{self.headers['Host']}"
            if path == "/api/repos/create":
                asked = json.loads(content)
                name = f"{asked['organization']}/{asked['name']}" if asked.get("organization") else asked["name"]
                repos.setdefault(name, Repo({}))
                return self._send(200, {"url": f"{root}/{name}"})
            if path == "/api/validate-yaml":
                return self._send(200, {"errors": [], "warnings": []})
            name, rest = _parts(path)
            if rest.startswith("preupload/"):
                files = [
                    {"path": file["path"], "uploadMode": "regular", "shouldIgnore": False}
                    for file in json.loads(content)["files"]
                ]
                return self._send(200, {"files": files})
            for line in content.splitlines():
                entry = json.loads(line)
                if entry["key"] == "file":
                    repos[name].files[entry["value"]["path"]] = base64.b64decode(entry["value"]["content"])
            return self._send(200, {"commitUrl": f"{root}/{name}/commit/{COMMIT}", "commitOid": COMMIT})

        def log_message(self, *_: object) -> None:
            pass

        def _get(self, *, body: bool) -> None:
            path = unquote(urlsplit(self.path).path)
            requests.append(path)
            name, rest = _parts(path)
            if name not in repos:
                return self._send(401, {"error": "not found"}, {"X-Error-Code": "RepoNotFound"}, body=body)
            files, commit, token = repos[name]
            action, _, tail = rest.partition("/")
            if action == "revision" and tail not in (commit, "main"):
                return self._send(404, {"error": "no such revision"}, {"X-Error-Code": "RevisionNotFound"}, body=body)
            if action == "resolve":
                if token and self.headers.get("Authorization") != f"Bearer {token}":
                    return self._send(403, {"error": "gated"}, {"X-Error-Code": "GatedRepo"}, body=body)
                data = files[tail.split("/", 1)[1]]
                marks = {"ETag": f'"{sha1(data).hexdigest()}"', "X-Repo-Commit": commit}
                return self._send(200, data, marks, body=body)
            if action == "tree":
                listing = [
                    {"type": "file", "path": file, "size": len(data), "oid": sha1(data).hexdigest()}
                    for file, data in files.items()
                ]
                return self._send(200, listing, body=body)
            facts = {"id": name, "sha": commit, "siblings": [{"rfilename": file} for file in files]}
            return self._send(200, facts, body=body)

        def _send(
            self, status: int, content: object, headers: dict[str, str] | None = None, *, body: bool = True
        ) -> None:
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.send_header("Content-Type", "application/octet-stream" if data is content else "application/json")
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            if body:
                self.wfile.write(data)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield FakeHub(f"http://127.0.0.1:{server.server_port}", repos, requests, tokens)
        finally:
            server.shutdown()
            thread.join()


def _parts(path: str) -> tuple[str, str]:
    """The repository a path is about, `OWNER/NAME`, and what follows."""
    path = path.removeprefix("/api").removeprefix("/datasets").removeprefix("/models")
    _, owner, name, *rest = path.split("/")
    return f"{owner}/{name}", "/".join(rest)
