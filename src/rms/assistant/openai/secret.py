"""The key of an endpoint, which stands in an environment variable and nowhere else."""

import os

from rms.errors import RmsError
from rms.params import Endpoint


def secret_of(settings: Endpoint) -> str:
    """The key an endpoint is asked with; "" where it needs none. RmsError where there is no such variable."""
    if not settings.api_key_env:
        return ""
    secret = os.environ.get(settings.api_key_env, "").strip()
    if not secret:
        raise RmsError(
            f"{settings.api_key_env}: no key in this environment variable; export it, or set "
            f"{settings.section}.api_key_env='' for an endpoint that needs none"
        )
    if not (secret.isascii() and secret.isprintable()) or " " in secret:
        raise RmsError(
            f"{settings.api_key_env}: the key in this environment variable holds blanks, line breaks or characters "
            "that no key has; export it anew, without quotation marks"
        )
    return secret


def masked(text: str, secret: str) -> str:
    """What came back, without the key: some endpoints and proxies repeat what they were sent."""
    return text.replace(secret, "***") if secret else text
