"""Requests over the wire, and what can go wrong on the way, in words without a secret."""

from collections.abc import Mapping
from typing import NamedTuple

import aiohttp

from rms.assistant.openai.proxy import proxy_of
from rms.errors import one_line
from rms.params import Endpoint

_CONNECT_S = 10
_LONGEST_ANSWER = 8_000_000
"""Bytes; no completion is as long."""


class Arrived(NamedTuple):
    """An answer of whatever status."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class UndeliveredError(Exception):
    """No answer came."""

    def __init__(self, what: str, *, late: bool = False, unconnected: bool = False) -> None:
        super().__init__(what)
        self.what = what
        self.late = late
        self.unconnected = unconnected
        """Whether there was not even a connection."""


class Wire:
    """A session with an endpoint, to be opened, used and closed on one event loop."""

    def __init__(self, settings: Endpoint, secret: str) -> None:
        self.url = f"{settings.base_url.rstrip('/')}/chat/completions"
        self._headers = {**settings.headers, "Content-Type": "application/json"}
        if secret:
            self._headers["Authorization"] = f"Bearer {secret}"
        self._timeout_s = settings.timeout_s
        self._proxy = proxy_of(self.url)

    async def open(self) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=self._timeout_s, sock_connect=_CONNECT_S),
            headers=self._headers,
            proxy=self._proxy,
        )

    async def post(self, content: bytes) -> Arrived:
        """What comes back for `content`; UndeliveredError where nothing does."""
        try:
            async with self._session.post(self.url, data=content, allow_redirects=False) as response:
                return Arrived(response.status, response.headers, await _whole(response))
        except TimeoutError:
            raise UndeliveredError("no answer in time", late=True) from None
        except aiohttp.ClientResponseError as error:  # its own words repeat the proxy's address, with the password
            by_proxy = isinstance(error, aiohttp.ClientHttpProxyError)
            who = "the proxy" if by_proxy else "it"
            raise UndeliveredError(f"{who} says {error.status} {error.message}", unconnected=by_proxy) from None
        except aiohttp.ClientError as error:
            unconnected = isinstance(error, aiohttp.ClientConnectorError)
            raise UndeliveredError(one_line(error) or type(error).__name__, unconnected=unconnected) from None

    async def close(self) -> None:
        await self._session.close()


async def _whole(response: aiohttp.ClientResponse) -> bytes:
    content = bytearray()
    async for chunk in response.content.iter_any():
        content += chunk
        if len(content) > _LONGEST_ANSWER:
            raise UndeliveredError(f"an answer of more than {_LONGEST_ANSWER} bytes")
    return bytes(content)
