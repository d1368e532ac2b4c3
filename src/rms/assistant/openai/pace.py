"""How many requests may be in flight, and how fast: found out by watching the endpoint.

Concurrency climbs while it pays in answers per second, falls by half on 429, 503 and time-outs, and falls
where fewer requests would bring as many answers: local servers never say 429, they queue. After a 429, which
speaks of a rate, the rate is held to what was too much, steps back at each further 429, and creeps up in between.
"""

import asyncio
import math
import time
from collections import deque
from contextlib import suppress
from typing import Literal, NamedTuple

Load = Literal["fine", "heavy", "refused"]
"""What an answer says of the endpoint: nothing, too much at a time (503, time-out), or too many a minute (429)."""

_START = 64
_FEEL_S = 0.001
"""Between departures until something has come back: an endpoint that limits the rate refuses at once."""
_PAYS = 1.15
"""Twice the requests in flight must bring this much more answers to be worth it."""
_AS_GOOD = 0.9
_SLOWER = 1.5
_CREEP_PER_S = 0.03
"""Share by which the rate grows."""
_STEP_BACK = 0.92


class _Window(NamedTuple):
    """What a stretch of answers showed at one limit."""

    limit: int
    answers_per_s: float
    latency_s: float


class Pace:
    """Lets requests through. All methods are called on one event loop."""

    def __init__(self, most: int, rpm: int | None, tpm: int | None) -> None:
        self.limit = min(_START, most)
        self._most = most
        self._tpm = tpm
        self._fixed = rpm / 60 if rpm else None
        self._rate = self._fixed
        self._flying = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._ended = asyncio.Event()
        self._open_at = 0.0
        self._next_at = 0.0
        self._gone = 0
        self._spent: deque[tuple[float, int]] = deque()
        self._last_minute = 0
        """Tokens in `_spent`."""
        self._cut_at = 0.0
        self._last: _Window | None = None
        self._settled = False
        self._started = time.monotonic()
        self._begin(self._started)

    async def enter(self) -> float:
        """Wait for a turn; returns the time of departure, to be given to `leave`."""
        if self._waiting or not self._may_go(time.monotonic()):
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            self._wake()
            await turn
        else:
            self._go(time.monotonic())
        return time.monotonic()

    async def rest(self, wait_s: float) -> None:
        """Let time pass before a question is asked again; at the end no more of it."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), wait_s)

    def end(self) -> None:
        """Nothing is sent any more: nobody waits for a turn or rests, to be told so."""
        self._ended.set()
        self._wake()

    def leave(self, departed: float, *, tokens: int = 0, load: Load = "fine", wait_s: float = 0.0) -> None:
        """A request is back: answered, or turned away by an endpoint that asks for `wait_s`."""
        now = time.monotonic()
        self._flying -= 1
        if self._tpm:
            self._spent.append((now, tokens))
            self._last_minute += tokens
        if load != "fine":
            self._open_at = max(self._open_at, now + wait_s)
            if departed > self._cut_at:  # one overload turns away many: it counts once
                self._cut(now, load)
        else:
            self._count += 1
            self._seconds += now - departed
            # The first few answers are enough to climb on; what follows is measured against them.
            enough = self.limit if self._last or self._settled else self.limit // 4
            if self._count >= max(enough, 4) and departed >= self._began:
                self._judge(now)
        self._wake()

    # -- who may go -----------------------------------------------------------------------------

    def _may_go(self, now: float) -> bool:
        return self._ended.is_set() or (self._flying < self.limit and now >= self._ready_at(now))

    def _ready_at(self, now: float) -> float:
        ready = max(self._open_at, self._next_at)
        if self._tpm:
            while self._spent and self._spent[0][0] < now - 60:
                self._last_minute -= self._spent.popleft()[1]
            if self._last_minute >= self._tpm:
                ready = max(ready, self._spent[0][0] + 60)
        return ready

    def _go(self, now: float) -> None:
        self._flying += 1
        self._gone += 1
        if self._rate:
            self._next_at = max(self._next_at, now) + 1 / self._rate
            self._rate = min(self._rate + _CREEP_PER_S, self._fixed or math.inf)  # at this rate, its share a second
        elif self._gone == self._flying:
            self._next_at = now + _FEEL_S

    def _wake(self) -> None:
        now = time.monotonic()
        while self._waiting and self._may_go(now):
            turn = self._waiting.popleft()
            if not turn.done():
                self._go(now)
                turn.set_result(None)
        if self._waiting and self._flying < self.limit and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(max(0.0, self._ready_at(now) - now), self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._wake()

    # -- how many may go ------------------------------------------------------------------------

    def _cut(self, now: float, load: Load) -> None:
        if load == "refused":
            if self._rate:
                self._rate *= _STEP_BACK
            else:  # what was too much: the first that were let through may have been saved up
                self._rate = max(1.0, self._gone / max(1.0, now - self._started))
            self._next_at = max(self._next_at, self._open_at) + 1 / self._rate
        self.limit = max(1, self.limit // 2)
        self._settled = True
        self._last = None
        self._cut_at = now
        self._begin(now)

    def _judge(self, now: float) -> None:
        """Compare this stretch with the one before it, and move the limit."""
        window = _Window(self.limit, self._count / max(now - self._began, 1e-6), self._seconds / self._count)
        last, self._last = self._last, window
        if last is None or last.limit == window.limit:
            slower = last is not None and window.latency_s > _SLOWER * last.latency_s
            if slower:
                self._settled = True
            self.limit = max(1, self.limit // 2) if slower else self._more()
        elif window.limit > last.limit:
            if window.answers_per_s >= last.answers_per_s * min(_PAYS, 1 + 0.5 * (window.limit / last.limit - 1)):
                self.limit = self._more()
            else:  # the endpoint queues: look below as well
                self._settled = True
                self.limit = max(1, last.limit // 2)
        elif window.answers_per_s >= _AS_GOOD * last.answers_per_s:
            self.limit = max(1, self.limit // 2) if self.limit > 1 else 1
        else:
            self.limit = last.limit
        self._begin(now)

    def _more(self) -> int:
        return min(self._most, self.limit + 1 if self._settled else self.limit * 2)

    def _begin(self, now: float) -> None:
        self._began = now
        self._count = 0
        self._seconds = 0.0
