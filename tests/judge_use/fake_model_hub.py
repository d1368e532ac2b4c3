"""A small server that speaks the routes of the Hugging Face Hub that a model's upload and download take."""

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


class ModelHub(NamedTuple):
    """Where it listens, what it holds by repository and path, and the tokens it was shown."""

    address: str
    repos: dict[str, dict[str, bytes]]
    tokens: set[str]


@contextlib.contextmanager
def model_hub(repos: dict[str, dict[str, bytes]]) -> Iterator[ModelHub]:
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
            if path == "/api/repos/create":
                asked = json.loads(content)
                name = f"{asked['organization']}/{asked['name']}" if asked.get("organization") else asked["name"]
                repos.setdefault(name, {})
                return self._send(200, {"url": f"{self._root}/{name}"})
            if path == "/api/validate-yaml":
                return self._send(200, {"errors": [], "warnings": []})
            name, _, action = path.removeprefix("/api/models/").rpartition("/")[0].rpartition("/")
            if action == "preupload":
                files = [
                    {"path": file["path"], "uploadMode": "regular", "shouldIgnore": False}
                    for file in json.loads(content)["files"]
                ]
                return self._send(200, {"files": files})
            for line in content.splitlines():
                entry = json.loads(line)
                if entry["key"] == "file":
                    repos[name][entry["value"]["path"]] = base64.b64decode(entry["value"]["content"])
            return self._send(200, {"commitUrl": f"{self._root}/{name}/commit/{COMMIT}", "commitOid": COMMIT})

        def log_message(self, *_: object) -> None:
            pass

        @property
        def _root(self) -> str:
            return f"http://{self.headers['Host']}"

        def _get(self, *, body: bool) -> None:
            path = unquote(urlsplit(self.path).path).removeprefix("/api/models").removeprefix("/")
            name = "/".join(path.split("/")[:2])
            if name not in repos:
                return self._send(401, {"error": "not found"}, body=body, headers={"X-Error-Code": "RepoNotFound"})
            rest = path.removeprefix(name).removeprefix("/")
            files = repos[name]
            if rest.startswith("resolve/"):
                data = files[rest.split("/", 2)[2]]
                marks = {"ETag": f'"{sha1(data).hexdigest()}"', "X-Repo-Commit": COMMIT}
                return self._send(200, data, body=body, headers=marks)
            if rest.startswith("tree/"):
                listing = [
                    {"type": "file", "path": file, "size": len(data), "oid": sha1(data).hexdigest()}
                    for file, data in files.items()
                ]
                return self._send(200, listing, body=body)
            return self._send(
                200, {"id": name, "sha": COMMIT, "siblings": [{"rfilename": file} for file in files]}, body=body
            )

        def _send(
            self, status: int, content: object, *, body: bool = True, headers: dict[str, str] | None = None
        ) -> None:
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.send_header("Content-Type", "application/json")
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            if body:
                self.wfile.write(data)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield ModelHub(f"http://127.0.0.1:{server.server_port}", repos, tokens)
        finally:
            server.shutdown()
            thread.join()
