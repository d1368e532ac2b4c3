"""Which samples the gallery shows."""

from collections import Counter

from rms.report.gallery import Credited, choose


def credited(number: int, label: str, category: str, image: int) -> Credited:
    return Credited(
        sample_id=f"s{number:03d}", image_id=f"i{image}", text="t", label=label, category=category, risk="",
        guidance="g", kind="triplet", parent_id="p", family="", split="test", licence="", attribution="",
    )  # fmt: skip


def test_labels_and_categories_are_balanced_though_the_data_are_not():
    rows = [credited(n, "unsafe" if n % 10 else "safe", "fire" if n % 7 else "water", n) for n in range(100)]
    chosen = choose(rows, 8)
    assert Counter((row.label, row.category) for row in chosen) == {
        ("unsafe", "fire"): 2, ("safe", "fire"): 2, ("unsafe", "water"): 2, ("safe", "water"): 2,
    }  # fmt: skip


def test_small_groups_run_out_and_the_rest_fills_up():
    rows = [credited(0, "safe", "fire", 0), *(credited(n, "unsafe", "fire", n) for n in range(1, 9))]
    assert Counter(row.label for row in choose(rows, 6)) == {"safe": 1, "unsafe": 5}


def test_images_shown_least_come_first():
    rows = [credited(n, "unsafe", "fire", n // 10) for n in range(40)]
    assert {row.image_id for row in choose(rows, 4)} == {"i0", "i1", "i2", "i3"}


def test_the_choice_does_not_depend_on_the_order_of_rows():
    rows = [credited(n, "unsafe" if n % 3 else "safe", f"c{n % 4}", n % 5) for n in range(60)]
    assert choose(rows, 12) == choose(rows[::-1], 12)


def test_fewer_samples_than_asked_for_are_all_shown():
    rows = [credited(n, "safe", "fire", n) for n in range(3)]
    assert len(choose(rows, 10)) == 3
    assert choose([], 10) == []
