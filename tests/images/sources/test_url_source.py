"""Downloads from a real server on this machine that misbehaves in every way asked of it."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rms.errors import RmsError
from rms.images.faults import ImageFault
from rms.images.sources import RawImage, open_source, urls
from rms.params import UrlSource


class Server(BaseHTTPRequestHandler):
    asked: ClassVar[Counter[str]] = Counter()
    sent: ClassVar[Counter[str]] = Counter()
    busy: ClassVar[int] = 0
    busiest: ClassVar[int] = 0
    lock: ClassVar[threading.Lock] = threading.Lock()

    def do_GET(self) -> None:
        with self.lock:
            Server.busy += 1
            Server.busiest = max(Server.busiest, Server.busy)
            self.asked[self.path] += 1
        try:
            self.answer(*self.path.strip("/").split("/"))
        except (BrokenPipeError, ConnectionResetError):
            pass
        finally:
            with self.lock:
                Server.busy -= 1

    def answer(self, kind: str, argument: str = "") -> None:
        match kind:
            case "slow":
                time.sleep(float(argument))
                self.reply(200, b"slow")
            case "status":
                self.reply(int(argument), b"")
            case "second":  # fails first
                self.reply(int(argument) if self.asked[self.path] == 1 else 200, b"second")
            case "endless":
                self.send_response(200)
                self.end_headers()
                while self.sent[self.path] < 50_000_000:
                    self.wfile.write(b"0" * 10_000)
                    self.sent[self.path] += 10_000
            case "to":
                self.send_response(302)
                self.send_header(
                    "Location", {"file": "file:///etc/passwd", "home": "/image/1"}.get(argument, "/to/loop")
                )
                self.send_header("Content-Length", "0")
                self.end_headers()
            case "cut":
                self.send_response(200)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b"half")
            case _:
                self.reply(200, argument.encode())

    def reply(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch) -> Iterator[str]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(urls, "_FIRST_PAUSE_S", 0.01)
    Server.asked.clear()
    Server.sent.clear()
    Server.busiest = 0
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()


def table(folder: Path, addresses: list[str]) -> Path:
    path = folder / "photos.csv"
    path.write_text("url\n" + "".join(f'"{address}"\n' for address in addresses))
    return path


def read(path: Path, max_bytes: int = 1000, **changes: object) -> list[RawImage]:
    return list(open_source(configured(path, **changes), max_bytes).images)


def configured(path: Path, **changes: object) -> UrlSource:
    values = {
        "url_column": "url", "licence_column": None, "licence": "unknown", "attribution": "",
        "concurrency": 4, "timeout_s": 5.0, "retries": 2,
    }  # fmt: skip
    return UrlSource.model_validate({"kind": "urls", "table": path} | values | changes)


def reason(image: RawImage) -> str:
    assert isinstance(image.data, ImageFault)
    return image.data.reason


def test_answers_come_in_the_order_of_the_table_whatever_their_speed(tmp_path, server):
    addresses = [f"{server}/slow/0.3", *(f"{server}/image/{i}" for i in range(30)), f"{server}/slow/0.1"]
    images = read(table(tmp_path, addresses))
    assert [image.name for image in images] == addresses
    assert [image.data for image in images] == [b"slow", *(str(i).encode() for i in range(30)), b"slow"]


def test_downloads_run_side_by_side_but_no_more_than_allowed(tmp_path, server):
    start = time.perf_counter()
    read(table(tmp_path, [f"{server}/slow/0.1{i}" for i in range(16)]), concurrency=4)
    assert time.perf_counter() - start < 1.5  # one after another: 1.7 s at least
    assert 2 <= Server.busiest <= 4


@pytest.mark.parametrize("status", [404, 403, 410])
def test_refusals_are_rows_and_not_tried_again(tmp_path, server, status):
    assert reason(read(table(tmp_path, [f"{server}/status/{status}"]))[0]) == f"http_{status}"
    assert Server.asked[f"/status/{status}"] == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_busy_and_broken_servers_are_tried_again(tmp_path, server, status):
    images = read(table(tmp_path, [f"{server}/second/{status}", f"{server}/status/{status}"]))
    assert images[0].data == b"second"
    assert reason(images[1]) == f"http_{status}"
    assert Server.asked[f"/status/{status}"] == 3


def test_a_slow_server_is_given_up_after_the_retries(tmp_path, server):
    start = time.perf_counter()
    assert reason(read(table(tmp_path, [f"{server}/slow/3"]), timeout_s=0.2, retries=1)[0]) == "timeout"
    assert time.perf_counter() - start < 2
    assert Server.asked["/slow/3"] == 2


def test_an_endless_body_is_dropped_at_the_limit(tmp_path, server):
    assert reason(read(table(tmp_path, [f"{server}/endless"]), max_bytes=100_000)[0]) == "too_large"
    assert Server.sent["/endless"] < 20_000_000


def test_an_announced_size_over_the_limit_is_not_downloaded(tmp_path, server):
    images = read(table(tmp_path, [f"{server}/image/{'9' * 50}", f"{server}/image/{'9' * 10}"]), max_bytes=10)
    assert reason(images[0]) == "too_large"
    assert images[1].data == b"9" * 10


def test_redirects_are_followed_to_the_web_only(tmp_path, server):
    images = read(table(tmp_path, [f"{server}/to/home", f"{server}/to/file", f"{server}/to/loop"]))
    assert images[0].data == b"1"
    assert reason(images[1]) == "bad_url"
    assert reason(images[2]) == "connection"


def test_other_addresses_are_never_opened(tmp_path):
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    bad = [
        f"file://{tmp_path}/secret.jpg",
        "ftp://a/b.jpg",
        "secret.jpg",
        "http://",
        "http://[::1",
        "javascript:1",
        " ",
    ]
    assert {reason(image) for image in read(table(tmp_path, bad))} == {"bad_url"}


def test_broken_and_missing_connections_are_rows(tmp_path, server):
    images = read(table(tmp_path, [f"{server}/cut", "http://127.0.0.1:9/x.jpg"]))
    assert [reason(image) for image in images] == ["connection", "connection"]


def test_no_more_is_downloaded_than_is_taken(tmp_path, server):
    source = configured(table(tmp_path, [f"{server}/image/{i}" for i in range(200)]), concurrency=2)
    images = open_source(source, 1000).images
    assert next(images).data == b"0"
    time.sleep(0.3)
    assert sum(Server.asked.values()) <= 5
    images.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "downloads"]


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".parquet"])
def test_three_kinds_of_table_with_licences(tmp_path, server, ending):
    path = tmp_path / f"photos{ending}"
    rows = [(f"{server}/image/1", "CC-BY-4.0"), (f"{server}/image/2", "")]
    if ending == ".parquet":
        pq.write_table(pa.table({"link": [row[0] for row in rows], "rights": [row[1] or None for row in rows]}), path)
    else:
        separator = {".csv": ",", ".tsv": "\t"}[ending]
        path.write_text("\n".join(separator.join(row) for row in [("link", "rights"), *rows]), encoding="utf-8-sig")
    images = read(path, url_column="link", licence_column="rights")
    assert [(image.data, image.licence, image.url) for image in images] == [
        (b"1", "CC-BY-4.0", rows[0][0]),
        (b"2", "unknown", rows[1][0]),
    ]


def test_mistakes_in_the_table_are_one_line(tmp_path):
    with pytest.raises(RmsError, match=r"no column 'link'; .*columns are: url"):
        read(table(tmp_path, []), url_column="link")
    with pytest.raises(RmsError, match="no such file"):
        read(tmp_path / "none.csv")
    with pytest.raises(RmsError, match=r"must be a \.csv, \.tsv or \.parquet"):
        read(tmp_path / "photos.xlsx")
    (tmp_path / "photos.parquet").write_bytes(b"not parquet")
    with pytest.raises(RmsError, match="cannot be read"):
        read(tmp_path / "photos.parquet")
    (tmp_path / "binary.csv").write_bytes(b"url\n\xff\xfe\x00")
    with pytest.raises(RmsError, match="cannot be read"):
        read(tmp_path / "binary.csv")
