"""Tasks that take turns on one thread: results as if each ran alone, and others go on while one waits."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from time import sleep

import pytest

from rms.turns import in_turns, wait


@pytest.fixture
def elsewhere() -> Iterator[ThreadPoolExecutor]:
    """Another thread, which answers."""
    with ThreadPoolExecutor(1) as pool:
        yield pool


@pytest.mark.parametrize("most", [1, 3, 100])
def test_results_come_in_the_order_of_the_items_whichever_is_answered_first(most):
    with ThreadPoolExecutor(8) as pool:

        def asked(number: int) -> int:
            delay = 0.02 if number % 5 == 0 else 0.0
            first = wait(pool.submit(lambda: (sleep(delay), number)[1]))
            return first + wait(pool.submit(lambda: number * number))

        assert list(in_turns(asked, range(40), most)) == [n + n * n for n in range(40)]


def test_all_run_on_the_thread_that_takes_the_results(elsewhere):
    def asked(_: int) -> int:
        wait(elsewhere.submit(int))
        return threading.get_ident()

    assert set(in_turns(asked, range(10), 4)) == {threading.get_ident()}


@pytest.mark.parametrize("most", [1, 7])
def test_so_many_wait_at_a_time_and_no_more(most):
    open_questions: list[Future[int]] = []
    seen: list[int] = []

    def asked(number: int) -> int:
        question: Future[int] = Future()
        open_questions.append(question)
        if len(open_questions) == most or number == 19:  # only then is anything answered
            seen.append(len(open_questions))
            for one in open_questions:
                one.set_result(0)
            open_questions.clear()
        return wait(question)

    assert list(in_turns(asked, range(20), most)) == [0] * 20
    assert max(seen) == most


def test_only_a_few_are_begun_before_results_are_taken():
    taken = []

    def source() -> Iterator[int]:
        for number in range(1000):
            taken.append(number)
            yield number

    results = in_turns(lambda number: number, source(), 2)
    next(results)
    assert len(taken) <= 2 * 4 + 1
    results.close()


def test_a_fault_is_raised_where_its_result_is_taken_and_what_is_at_work_is_ended(elsewhere):
    begun, ended = [], []

    def asked(number: int) -> float:
        begun.append(number)
        wait(elsewhere.submit(sleep, 0.01))
        ended.append(number)
        return 1 / (number - 2)

    results = in_turns(asked, range(100), 4)
    assert [next(results), next(results)] == [-0.5, -1.0]
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert begun == sorted(ended)
    assert len(begun) < 100


def test_what_ends_the_process_is_raised_when_what_is_at_work_is_ended(elsewhere):
    begun, ended = [], []

    def asked(number: int) -> int:
        begun.append(number)
        wait(elsewhere.submit(sleep, 0.01))
        if number == 1:
            raise KeyboardInterrupt
        ended.append(number)
        return number

    with pytest.raises(KeyboardInterrupt):
        list(in_turns(asked, range(100), 4))
    assert set(begun) - set(ended) == {1}
    assert len(begun) < 100


def test_outside_of_turns_waiting_is_waiting(elsewhere):
    assert wait(elsewhere.submit(lambda: 3)) == 3
    with pytest.raises(ZeroDivisionError):
        wait(elsewhere.submit(lambda: 1 // 0))


def test_turns_within_turns(elsewhere):
    def inner(number: int) -> int:
        return wait(elsewhere.submit(lambda: number))

    def outer(number: int) -> int:
        return sum(in_turns(inner, range(number), 3))

    assert list(in_turns(outer, range(6), 2)) == [0, 0, 1, 3, 6, 10]


def test_turns_within_turns_do_not_hold_up_whom_they_wait_for(elsewhere):
    answer: Future[int] = Future()

    def asked(number: int) -> int:
        if number == 0:
            wait(elsewhere.submit(sleep, 0.05))
            answer.set_result(7)
        return sum(in_turns(lambda _: wait(answer), range(2), 2))

    heard: list[int] = []
    asking = threading.Thread(target=lambda: heard.extend(in_turns(asked, range(2), 2)), daemon=True)
    asking.start()
    asking.join(10)
    assert heard == [14, 14]
