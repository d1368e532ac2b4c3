"""The way out of networks that have one only, as the `openai` package and most others take it."""

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from rms.errors import RmsError


def proxy_of(url: str) -> str | None:
    """The proxy that HTTPS_PROXY, HTTP_PROXY or ALL_PROXY names for `url`, if NO_PROXY does not exempt it.

    RmsError, which does not repeat the address because it may hold a password, for any but http:// and https://.
    """
    parts = urlsplit(url)
    if proxy_bypass(parts.netloc):
        return None
    named = getproxies()
    name = parts.scheme if parts.scheme in named else "all"
    proxy = named.get(name)
    if proxy and urlsplit(proxy).scheme not in ("http", "https"):
        raise RmsError(f"{name.upper()}_PROXY: only proxies that begin with http:// or https:// are used")
    return proxy or None
