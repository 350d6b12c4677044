"""When runs make a monitor fail or recover."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.monitors.policy import Decision, Result, Streak, advance, decide
from tests.factories import NOW

THRESHOLDS = st.integers(1, 5)
RESULTS = st.lists(st.sampled_from(["passed", "failed", "error"]), max_size=40)


def due(number: int) -> datetime:
    return NOW + timedelta(seconds=number)


def play(results: list[Result], failure: int = 1, recovery: int = 1) -> list[Streak]:
    """Return the streak after each run."""
    streak, seen = Streak(), []
    for number, result in enumerate(results):
        streak = advance(
            streak,
            result=result,
            due_at=due(number),
            failure_threshold=failure,
            recovery_threshold=recovery,
        )
        seen.append(streak)
    return seen


@pytest.mark.parametrize(
    ("results", "failure", "recovery", "states"),
    [
        ("P", 1, 1, "-"),
        ("F", 1, 1, "X"),
        ("FP", 1, 1, "X-"),
        ("FFP", 2, 1, "-X-"),
        ("FPF", 2, 1, "---"),
        ("FPP", 1, 2, "XX-"),
        ("FPFPP", 1, 2, "XXXX-"),
        ("FEF", 2, 1, "--X"),
        ("FEEP", 1, 1, "XXX-"),
        ("E", 1, 1, "-"),
        ("FFFPPP", 3, 3, "--XXX-"),
    ],
)
def test_a_location_fails_and_recovers_at_its_thresholds(
    results: str, failure: int, recovery: int, states: str
):
    words: dict[str, Result] = {"P": "passed", "F": "failed", "E": "error"}

    seen = play([words[letter] for letter in results], failure, recovery)

    assert "".join("X" if streak.has_failed else "-" for streak in seen) == states


@given(RESULTS, THRESHOLDS, THRESHOLDS)
def test_errors_leave_no_trace(results: list[Result], failure: int, recovery: int):
    without = [(number, result) for number, result in enumerate(results) if result != "error"]
    streak = Streak()
    for number, result in without:
        streak = advance(
            streak,
            result=result,
            due_at=due(number),
            failure_threshold=failure,
            recovery_threshold=recovery,
        )

    seen = play(results, failure, recovery)

    assert (seen[-1] if seen else Streak()) == streak


@given(RESULTS, THRESHOLDS, THRESHOLDS)
def test_a_streak_is_as_long_as_the_equal_results_in_a_row(
    results: list[Result], failure: int, recovery: int
):
    seen = play(results, failure, recovery)

    counted = [(number, result) for number, result in enumerate(results) if result != "error"]
    if not counted:
        return
    *_, last = (list(run) for _, run in groupby(counted, key=lambda pair: pair[1]))
    assert seen[-1].length == len(last)
    assert seen[-1].started_at == due(last[0][0])
    assert seen[-1].is_failing == (last[0][1] == "failed")


@given(RESULTS, THRESHOLDS, THRESHOLDS)
def test_the_state_changes_only_by_a_streak_of_the_threshold(
    results: list[Result], failure: int, recovery: int
):
    before = Streak()
    for streak in play(results, failure, recovery):
        if streak.has_failed != before.has_failed:
            assert streak.is_failing == streak.has_failed
            assert streak.length == (failure if streak.has_failed else recovery)
        before = streak


@pytest.mark.parametrize(
    ("failing", "quorum", "is_open", "decision"),
    [
        (0, 1, False, None),
        (1, 1, False, "open"),
        (1, 1, True, None),
        (0, 1, True, "close"),
        (1, 2, False, None),
        (2, 2, False, "open"),
        (3, 2, True, None),
        (1, 2, True, "close"),
    ],
)
def test_the_quorum_decides(failing: int, quorum: int, is_open: bool, decision: Decision | None):
    assert decide(failing_locations=failing, quorum=quorum, is_open=is_open) == decision
