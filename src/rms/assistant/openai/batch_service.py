"""The files and batches API of an endpoint, by the `openai` package; what goes wrong is said in one line."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, TypeVar

from pydantic import BaseModel, TypeAdapter

from rms.assistant.openai.batch_journal import Id
from rms.assistant.openai.reading import heals
from rms.assistant.openai.secret import masked
from rms.errors import RmsError, one_line
from rms.params import OpenAIAssistant as Settings

T = TypeVar("T")

_RETRIES = 5
_LISTED = 1000
"""Batches looked through in search of one by its name; the newest come first."""
_LONGEST_FILE = 4_000_000_000
"""Bytes of results."""
_LONGEST_PAUSE_S = 60.0
_ID = TypeAdapter(Id)
_MARK = "rms"
"""Key of a batch's metadata under which its name stands."""


class _Counts(BaseModel):
    completed: int | None = None
    failed: int | None = None


class _Fault(BaseModel):
    code: str | None = None
    message: str | None = None


class _Faults(BaseModel):
    data: list[_Fault] | None = None


class State(BaseModel):
    """How a batch stands, as far as it is of account here."""

    id: Id
    status: str
    output_file_id: Id | None = None
    error_file_id: Id | None = None
    request_counts: _Counts | None = None
    errors: _Faults | None = None

    @property
    def ended(self) -> bool:
        return self.status in ("completed", "expired", "cancelled", "failed")

    @property
    def done(self) -> int:
        """Requests that were answered, well or not."""
        counts = self.request_counts or _Counts()
        return (counts.completed or 0) + (counts.failed or 0)

    def fault(self, secret: str) -> tuple[str, str]:
        """Code and words of what made it fail, without the key."""
        first = next(iter((self.errors and self.errors.data) or []), _Fault())
        return first.code or "", masked(one_line(first.message or first.code or "no reason was given"), secret)[:300]


class _PassingError(Exception):
    """A trouble that asking again may heal."""


class Service:
    """Each method raises RmsError where there is nothing more to hope for."""

    def __init__(self, settings: Settings, secret: str) -> None:
        from openai import OpenAI  # noqa: PLC0415 - heavy

        self._settings = settings
        self.secret = secret
        self._openai = OpenAI(
            base_url=settings.base_url,
            api_key=secret or "none",  # the package will not do without
            max_retries=_RETRIES,
            timeout=settings.timeout_s,
            default_headers=settings.headers,
        )

    def upload(self, file: IO[bytes]) -> str:
        """Send a file of requests; return its id."""
        with self._explained():
            return _ID.validate_python(self._openai.files.create(file=("rms.jsonl", file), purpose="batch").id)

    def start(self, file_id: str, name: str) -> str:
        """Begin a batch; return its id. Where it is not known whether it began, it is looked for by its name."""
        once = self._openai.with_options(max_retries=0)  # sent twice it could begin twice

        def begin() -> str:
            begun = once.batches.create(
                input_file_id=file_id,
                endpoint="/v1/chat/completions",
                completion_window="24h",
                metadata={_MARK: name},
            )
            return _ID.validate_python(begun.id)

        return self._insist(begin, lambda: self.find(name))

    def find(self, name: str) -> str | None:
        """The id of the batch that was begun under a name of ours."""
        with self._explained():
            for number, batch in enumerate(self._openai.batches.list(limit=100)):
                if batch.metadata and batch.metadata.get(_MARK) == name:
                    return _ID.validate_python(batch.id)
                if number == _LISTED:
                    break
        return None

    def state(self, batch_id: str) -> State | None:
        """How a batch stands; None where the endpoint does not know it (any more)."""
        from openai import NotFoundError  # noqa: PLC0415 - heavy

        def look() -> State | None:
            with suppress(NotFoundError):
                return State.model_validate(self._openai.batches.retrieve(batch_id).to_dict())
            return None

        return self._insist(look)

    def fetch(self, file_id: str, file: IO[bytes]) -> None:
        """Write a result file to `file`; nothing where the endpoint has removed it."""
        from openai import NotFoundError  # noqa: PLC0415 - heavy

        def fetch() -> None:
            file.seek(0)
            file.truncate()
            with suppress(NotFoundError), self._openai.files.with_streaming_response.content(file_id) as response:
                for chunk in response.iter_bytes():
                    file.write(chunk)
                    if file.tell() > _LONGEST_FILE:
                        raise RmsError(f"{self._settings.base_url}: file {file_id} is larger than any result")

        self._insist(fetch)

    def remove(self, file_id: str) -> None:
        """Take a file of requests, photographs and all, back from the endpoint; it is no harm where that fails."""
        from openai import OpenAIError  # noqa: PLC0415 - heavy

        with suppress(OpenAIError):
            self._openai.with_options(max_retries=0).files.delete(file_id)

    def _insist(self, ask: Callable[[], T], done: Callable[[], T | None] = lambda: None) -> T:
        """What `ask` returns, asked again while that can heal and for as long as a question may take.

        What waits for hours is not given up for an endpoint that is away for minutes. `done` tells what came of an
        attempt whose answer was lost.
        """
        until = time.monotonic() + self._settings.deadline_s
        pause = 1.0
        while True:
            try:
                with self._explained(again=time.monotonic() + pause < until):
                    return ask()
            except _PassingError:
                time.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_S)
            found = done()
            if found is not None:
                return found

    @contextmanager
    def _explained(self, again: bool = False) -> Iterator[None]:
        """Errors in one line; _PassingError where there will be another try that may heal them."""
        import httpx2  # noqa: PLC0415 - heavy
        from openai import APIConnectionError, APIStatusError, OpenAIError  # noqa: PLC0415 - heavy

        where = self._settings.base_url
        try:
            yield
        except (APIConnectionError, httpx2.HTTPError) as error:
            if again:
                raise _PassingError from None
            why = self._clean(one_line(error.__cause__ or error) or type(error).__name__)
            advice = "is the server running, and the address right? The next run finds the batches that were sent"
            raise RmsError(f"{where}: cannot be reached ({why}); {advice}") from None
        except APIStatusError as error:
            if again and heals(error.status_code):
                raise _PassingError from None
            raise RmsError(f"{where}: {self._meaning(error.status_code, error.message)}") from None
        except OpenAIError as error:
            raise RmsError(f"{where}: {self._clean(str(error))}") from None
        except (AttributeError, TypeError, ValueError) as error:  # the package takes any answer for what it should be
            why = type(error).__name__
            raise RmsError(f"{where}: does not answer as a batches API ({why}); set assistant.mode=online") from None

    def _meaning(self, status: int, message: str) -> str:
        if status in (404, 405, 501):
            return "has no batches API; set assistant.mode=online"
        said = f"HTTP {status}: {self._clean(message)}"
        if status in (401, 403):
            return f"{said}; check the key in {self._settings.api_key_env or 'assistant.api_key_env'}"
        return said

    def _clean(self, message: str) -> str:
        return masked(one_line(message), self.secret)[:300]
