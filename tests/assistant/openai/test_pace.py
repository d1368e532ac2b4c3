"""The limits an account states are kept, whatever the endpoint says."""

import asyncio
import time

import pytest

from rms.assistant.openai.pace import Pace


def test_requests_per_minute_space_the_departures():
    async def go() -> float:
        pace, start = Pace(64, rpm=1200, tpm=None), time.monotonic()
        for _ in range(11):
            pace.leave(await pace.enter())
        return time.monotonic() - start

    assert asyncio.run(go()) >= 0.49  # ten gaps of 50 ms


def test_the_rate_grows_back_after_an_overload_but_never_above_the_stated_one():
    async def go() -> Pace:
        pace = Pace(64, rpm=600, tpm=None)
        pace.leave(await pace.enter(), load="refused")
        assert pace._rate == pytest.approx(9.2)
        for _ in range(100):
            pace._go(time.monotonic())
        return pace

    assert asyncio.run(go())._rate == 10


def test_tokens_per_minute_hold_what_would_come_after():
    async def go() -> None:
        pace = Pace(64, rpm=None, tpm=200)
        for _ in range(2):
            pace.leave(await pace.enter(), tokens=100)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(pace.enter(), 0.2)

    asyncio.run(go())


def test_an_endpoint_that_cannot_keep_up_gets_fewer_at_a_time_but_no_lower_rate():
    async def go() -> Pace:
        pace = Pace(64, rpm=None, tpm=None)
        pace.leave(await pace.enter(), load="heavy")
        return pace

    pace = asyncio.run(go())
    assert pace.limit == 32
    assert pace._rate is None


def test_the_first_quarter_of_the_answers_is_enough_to_climb_on():
    async def go() -> Pace:
        pace = Pace(256, rpm=None, tpm=None)
        departures = [await pace.enter() for _ in range(64)]
        for departed in departures[:16]:
            pace.leave(departed)
        return pace

    assert asyncio.run(go()).limit == 128
