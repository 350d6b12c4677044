"""Of a monitor that fails for days, the details that say nothing new are let go."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.monitors.thinning import Kept, superfluous
from tests.factories import NOW


def runs(results: str, *, every_minutes: int = 20, by_hand: frozenset[int] = frozenset()):
    """f: failed, e: error, p: passed; one each `every_minutes` from NOW, an hour's beginning."""
    names = {"f": "failed", "e": "error", "p": "passed"}
    return [
        Kept(NOW + number * timedelta(minutes=every_minutes), names[result], number in by_hand)
        for number, result in enumerate(results)
    ]


@pytest.mark.parametrize(
    ("results", "going"),
    [
        ("", []),
        ("f", []),
        ("ff", []),
        # The first, the last; the third and the fourth are of another hour.
        ("fff", [1]),
        ("fffff", [1, 2]),
        ("fffffff", [1, 2, 4, 5]),
        ("ppppppp", []),
        # Each stretch has its ends.
        ("fffpfff", [1, 5]),
        ("feeef", [2]),
    ],
)
def test_the_ends_of_a_stretch_and_one_an_hour_are_kept(results: str, going: list[int]):
    day = runs(results)

    assert superfluous(day) == [day[number].due_at for number in going]


def test_runs_by_hand_are_kept():
    day = runs("fffff", by_hand=frozenset({1}))

    assert superfluous(day) == [day[2].due_at]


@given(st.text("fep", max_size=80), st.integers(1, 70))
def test_each_hour_of_each_stretch_keeps_one(results: str, every_minutes: int):
    day = runs(results, every_minutes=every_minutes)

    going = set(superfluous(day))

    kept = [run for run in day if run.due_at not in going and run.result != "passed"]
    for number, run in enumerate(day):
        if run.result == "passed":
            assert run.due_at not in going
            continue
        if number == 0 or day[number - 1].result != run.result:
            assert run in kept
        assert any(
            other.result == run.result and abs(other.due_at - run.due_at) < timedelta(hours=1)
            for other in kept
        )
