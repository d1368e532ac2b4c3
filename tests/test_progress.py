import threading
import time

import pytest

from rms.progress import map_ordered, say, track


@pytest.mark.parametrize("workers", [1, 4])
def test_results_come_in_the_order_of_the_items(workers):
    def slow_first(number: int) -> int:
        time.sleep(0.02 if number == 0 else 0)
        return number * number

    assert list(map_ordered(slow_first, range(50), "square", workers=workers)) == [n * n for n in range(50)]


def test_only_a_few_items_are_in_flight():
    taken = []

    def source():
        for number in range(1000):
            taken.append(number)
            yield number

    results = map_ordered(lambda number: number, source(), "take", workers=2)
    next(results)
    assert len(taken) <= 2 * 4 + 1
    results.close()


def test_work_is_shared_over_threads():
    barrier = threading.Barrier(2, timeout=10)
    assert list(map_ordered(lambda _: barrier.wait() >= 0, range(2), "meet", workers=2)) == [True, True]


def test_the_first_fault_reaches_the_caller():
    with pytest.raises(ZeroDivisionError):
        list(map_ordered(lambda number: 1 // number, [1, 0, 1], "divide", workers=2))


def test_nothing_is_shown_where_no_one_watches(capsys):
    assert list(track([1, 2], "count")) == [1, 2]
    assert list(map_ordered(str, [], "nothing")) == []
    assert capsys.readouterr() == ("", "")


def test_what_is_said_is_one_line_on_stderr(capsys):
    say("batch 1: 3 of 4 done")
    assert capsys.readouterr() == ("", "rms: batch 1: 3 of 4 done\n")
