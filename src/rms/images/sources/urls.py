"""Photographs downloaded from a table of addresses: many at once, yielded in the table's order."""

import asyncio
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rms.images.faults import ImageFault
from rms.images.sources.raw import Photographs, RawImage
from rms.images.sources.tables import Address, read_addresses
from rms.params import UrlSource

if TYPE_CHECKING:
    import aiohttp

_CHUNK = 1 << 16
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
_HEADERS = {"User-Agent": "rms-collect/1 (research dataset builder)", "Accept-Encoding": "identity"}


def photographs(source: UrlSource, max_bytes: int) -> Photographs:
    """Each address as a photograph named by its address, or a fault that says what the download met.

    Tried again, after growing pauses, only when the server is busy (429), broken (5xx) or slow. A body is
    dropped as soon as it is larger than `max_bytes`. File endings in addresses are not taken as a promise:
    servers often send another format than the address says.
    """
    return Photographs(_read(source, max_bytes))


def _read(source: UrlSource, max_bytes: int) -> Iterator[RawImage]:
    addresses = read_addresses(source)
    for address, data in _in_order(addresses, source, max_bytes):
        yield RawImage(
            name=address.url or "(empty address)",
            data=data,
            source="urls",
            licence=address.licence,
            attribution=source.attribution,
            url=address.url,
        )


def _in_order(
    addresses: Iterator[Address], source: UrlSource, max_bytes: int
) -> Iterator[tuple[Address, bytes | ImageFault]]:
    """Downloads on a loop in a thread of its own, so that they go on while the images are worked on.

    At most `2 * concurrency` bodies are held: those under way and those waiting for a slower one before them.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="downloads", daemon=True)
    thread.start()
    downloads = Downloads(source, max_bytes)
    pending: deque[tuple[Address, Future[bytes | ImageFault]]] = deque()

    def start(count: int) -> None:
        for address in islice(addresses, count):
            pending.append((address, asyncio.run_coroutine_threadsafe(downloads.fetch(address.url), loop)))

    try:
        start(2 * source.concurrency)
        while pending:
            address, download = pending.popleft()
            yield address, download.result()
            start(1)
    finally:
        asyncio.run_coroutine_threadsafe(downloads.close(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


class Downloads:
    """Fetches addresses over one pool of connections. All methods run on one event loop."""

    def __init__(self, source: UrlSource, max_bytes: int) -> None:
        self._source = source
        self._max_bytes = max_bytes
        self._session: aiohttp.ClientSession | None = None
        self._slots = asyncio.Semaphore(source.concurrency)

    async def fetch(self, url: str) -> bytes | ImageFault:
        """The body at `url`, or the fault that was met in the last try."""
        fault = _address_fault(url)
        if fault:
            return fault
        async with self._slots:
            for attempt in range(self._source.retries + 1):
                outcome, pause = await self._try(url)
                if pause is None or attempt == self._source.retries:
                    return outcome
                await asyncio.sleep(min(max(pause, _FIRST_PAUSE_S * 2**attempt), _LONGEST_PAUSE_S))
        raise AssertionError("unreachable: the last attempt returns")

    async def close(self) -> None:
        """Give up what is under way and close all connections."""
        unfinished = asyncio.all_tasks() - {asyncio.current_task()}
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def _try(self, url: str) -> tuple[bytes | ImageFault, float | None]:
        """One request: its outcome, and the least pause in seconds before the next; None when there is no use."""
        import aiohttp  # noqa: PLC0415

        try:
            async with self._open_session().get(url) as response:
                if response.status != 200:
                    busy = response.status == 429 or response.status >= 500
                    fault = ImageFault(f"http_{response.status}", response.reason or "no reason given")
                    return fault, _retry_after(response.headers) if busy else None
                return await self._body(response), None
        except TimeoutError:
            return ImageFault("timeout", f"no complete answer within {self._source.timeout_s:g} s"), 0.0
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
            return ImageFault("bad_url", f"not an address that can be fetched: {error}"), None
        except (aiohttp.ClientError, OSError) as error:
            return ImageFault("connection", f"{type(error).__name__}"), None

    async def _body(self, response: "aiohttp.ClientResponse") -> bytes | ImageFault:
        fault = ImageFault("too_large", f"more than {self._max_bytes} bytes")
        if (response.content_length or 0) > self._max_bytes:
            return fault
        body = bytearray()
        async for chunk in response.content.iter_chunked(_CHUNK):
            body += chunk
            if len(body) > self._max_bytes:
                return fault
        return bytes(body)

    def _open_session(self) -> "aiohttp.ClientSession":
        import aiohttp  # noqa: PLC0415

        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=self._source.timeout_s),
                connector=aiohttp.TCPConnector(limit=self._source.concurrency),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers=_HEADERS,
                auto_decompress=False,  # a compressed body could unfold beyond max_bytes
                trust_env=True,  # proxies
            )
        return self._session


def _address_fault(url: str) -> ImageFault | None:
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        good = False
    return None if good else ImageFault("bad_url", "not an http or https address")


def _retry_after(headers: Mapping[str, str]) -> float:
    """Seconds the server asks to wait; 0 when it does not say or says it as a date."""
    value = headers.get("Retry-After", "0")
    return float(value) if value.isdecimal() else 0.0
