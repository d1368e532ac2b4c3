"""The way out of networks that have one only, as the `openai` package and most others take it."""

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from rms.errors import RmsError

_FORM = "should be like http://host:3128 or http://user:password@host:3128, with / as %2F, ? as %3F and # as %23"


def proxy_of(url: str) -> str | None:
    """The proxy that HTTPS_PROXY, HTTP_PROXY or ALL_PROXY names for `url`, if NO_PROXY does not exempt it.

    RmsError, which does not repeat the address because it may hold a password, for any but http:// and https://, and
    for what is no address: a password with one of /?# in it, say, of which half would be taken for a host.
    """
    parts = urlsplit(url)
    if proxy_bypass(parts.netloc):
        return None
    named = getproxies()
    name = parts.scheme if parts.scheme in named else "all"
    proxy = named.get(name)
    if proxy and not proxy.lower().startswith(("http://", "https://")):
        raise RmsError(f"{name.upper()}_PROXY: only proxies that begin with http:// or https:// are used")
    if proxy and not _is_whole(proxy):
        raise RmsError(f"{name.upper()}_PROXY: {_FORM}")
    return proxy or None


def _is_whole(proxy: str) -> bool:
    try:
        address = urlsplit(proxy)
        return bool(address.hostname) and address.port != 0 and address[2:] in (("", "", ""), ("/", "", ""))
    except ValueError:
        return False
