"""What a trouble with an endpoint means: to ask otherwise or again, a question lost, or the end of the run."""

from collections.abc import Callable

from rms.assistant.interface import NoAnswerError
from rms.assistant.openai.body import FORMATS
from rms.assistant.openai.reading import Reply, error_message, heals, reply_of
from rms.assistant.openai.request import Request
from rms.assistant.openai.secret import masked
from rms.assistant.openai.wire import UndeliveredError
from rms.errors import RmsError
from rms.params import Endpoint

_FORMAT_COMPLAINTS = ("response_format", "json_schema", "json schema", "grammar")
"""How endpoints word that they cannot answer in the way they were asked to."""
_MOST_LOGPROBS, _FEW_LOGPROBS = 20, 5
"""Of the likeliest tokens: what OpenAI tells, and what others tell where they tell of any."""
_UNFIT = 50
"""Questions refused as ill put after which an endpoint that never answered is given up."""
_UNREACHED = 3
"""Failed connections after which an endpoint that never answered is given up."""


class PassingError(Exception):
    """A trouble that asking again may heal."""

    def __init__(self, error: str, raw: str = "", wait_s: float | None = None, *, counts: bool = True) -> None:
        super().__init__(error)
        self.error = error
        self.raw = raw
        self.wait_s = wait_s
        self.counts = counts
        """Whether it is one of the tries a question has; not so where it was only too early."""


class OtherwiseError(Exception):
    """The endpoint does not know the way it was asked in, but may know another."""


class Troubles:
    """Tells what each trouble means by what is known of the endpoint; `stop` hears of those that end the run.

    To be used on one event loop.
    """

    def __init__(self, settings: Endpoint, secret: str, stop: Callable[[RmsError], RmsError]) -> None:
        self.way = FORMATS.index(settings.answers)
        """How to ask for JSON: the surest of FORMATS that was not refused."""
        self.logprobs = _MOST_LOGPROBS
        """How many of the likeliest tokens may be asked for."""
        self._settings = settings
        self._section = settings.section
        self._secret = secret
        self._stop = stop
        self._reached = False
        """Whether it answered any question."""
        self._unreached = self._unfit = 0

    def read(self, content_type: str, content: bytes, asked: int) -> Reply:
        """The reply that a 200 holds, where it holds one; a question of `asked` bytes brought it."""
        if "json" not in content_type and not self._reached:
            given = content_type or "without a content type"
            raise self._end(f"answers {given} instead of JSON; should it end in /v1?")
        try:
            reply = reply_of(content, asked)
        except ValueError as error:
            raw = masked(content.decode("utf-8", "replace"), self._secret)
            raise PassingError(str(error), raw[:2000]) from None
        self._reached = True
        return reply

    def refused(self, status: int, content: bytes, wait_s: float | None, way: int, asked: Request) -> Exception:
        """What an answer other than 200 means, which came to `asked` in that `way`; `wait_s` is its Retry-After."""
        message = error_message(content, self._secret)
        said = message.lower()
        error = f"HTTP {status}: {message}" if message else f"HTTP {status}"
        advice = self._advice(status, content, said)
        if advice:
            return self._end(f"{error}; {advice}")
        ill_put = status in (400, 422)
        if ill_put and way + 1 < len(FORMATS) and any(words in said for words in _FORMAT_COMPLAINTS):
            self.way = max(self.way, way + 1)
            return OtherwiseError()
        if ill_put and asked.logprobs and "logprobs" in said:
            self.logprobs = min(self.logprobs, _FEW_LOGPROBS if asked.logprobs > _FEW_LOGPROBS else 0)
            return OtherwiseError()
        if heals(status):
            return PassingError(error, message, wait_s, counts=status != 429)
        self._unfit += 1
        if self._unfit >= _UNFIT and not self._reached:
            return self._end(f"{error}; so it says to every question: `rms assistant probe` finds settings that fit")
        return NoAnswerError(error, message)

    def unanswered(self, error: UndeliveredError) -> Exception:
        """What it means that nothing came back."""
        if error.unconnected and not self._reached:
            self._unreached += 1
            if self._unreached >= _UNREACHED:
                return self._end(f"cannot be reached ({error.what}); is the server running, and the address right?")
        return PassingError(error.what)

    def _advice(self, status: int, content: bytes, said: str) -> str:
        """What to do about an error that every request will meet; "" for others.

        A complaint about an image, and a 403, are of that question alone once the endpoint has answered: some say 403
        to what their moderation flags.
        """
        settings, section = self._settings, self._section
        if 300 <= status < 400:
            return f"requests are not sent on to where that leads: set {section}.base_url to it"
        if status in (401, 407) or (status == 403 and not self._reached):
            key = f"the key in {settings.api_key_env or f'{section}.api_key_env'}"
            return f"check {'user and password in the address of the proxy' if status == 407 else key}"
        if status == 404:
            return f"check {section}.base_url and {section}.model ({settings.model})"
        if status == 402 or (status == 429 and b"insufficient_quota" in content):
            return "the account has no credit left"
        refused = status in (400, 422) or "not supported" in said  # llama.cpp says 500 to a model that cannot see
        if refused and settings.vision and "image" in said and not self._reached:
            return f"{settings.model} takes no images: set {section}.vision=false"
        return ""

    def _end(self, what: str) -> RmsError:
        return self._stop(RmsError(f"{self._settings.base_url}: {what}"))
