"""How a monitor stands, in one word, from what is known of its locations."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.monitors.conditions import Condition, Place, condition_of, lag_of
from tests.factories import NOW

NONE, LATE = timedelta(0), timedelta(minutes=1)
PASSED = Place(True, "passed", NONE)
ERRING = Place(True, "error", NONE)
ALONE = Place(False, "passed", NONE)
NEW = Place(True, "", NONE)
BEHIND = Place(True, "passed", LATE)


@pytest.mark.parametrize(
    ("places", "is_failing", "condition"),
    [
        ([PASSED], False, Condition.PASSING),
        ([PASSED], True, Condition.FAILING),
        # One location that fails is no outage yet, where two must.
        ([PASSED, Place(True, "failed", NONE)], False, Condition.PASSING),
        ([NEW], False, Condition.WAITING),
        ([NEW, PASSED], False, Condition.PASSING),
        ([ERRING], False, Condition.NOT_MEASURED),
        ([ALONE], False, Condition.NOT_MEASURED),
        ([ERRING, ALONE], False, Condition.NOT_MEASURED),
        ([ERRING, PASSED], False, Condition.PASSING),
        ([], False, Condition.NOT_MEASURED),
        ([BEHIND], False, Condition.LATE),
        ([BEHIND, PASSED], False, Condition.LATE),
        ([Place(True, "", LATE)], False, Condition.LATE),
        # What is worse comes first.
        ([BEHIND], True, Condition.FAILING),
        ([Place(False, "passed", LATE)], False, Condition.NOT_MEASURED),
    ],
)
def test_the_first_that_is_true_is_said(places, is_failing, condition):
    said = condition_of(is_archived=False, is_enabled=True, is_failing=is_failing, places=places)

    assert said is condition


def test_what_is_paused_or_archived_is_that_first():
    paused = condition_of(is_archived=False, is_enabled=False, is_failing=True, places=[PASSED])
    archived = condition_of(is_archived=True, is_enabled=False, is_failing=True, places=[])

    assert (paused, archived) == (Condition.PAUSED, Condition.ARCHIVED)


@pytest.mark.parametrize(
    ("is_active", "due_s", "lease_s", "lag_s"),
    [
        (True, -30, None, 30),
        (True, 30, None, 0),
        (True, None, None, 0),
        (False, -30, None, 0),
        # A run goes on, and its next slot passes meanwhile.
        (True, -30, 5, 0),
        (True, -30, -5, 30),
    ],
)
def test_a_slot_waits_until_it_is_claimed(is_active, due_s, lease_s, lag_s):
    def moment(seconds):
        return None if seconds is None else NOW + timedelta(seconds=seconds)

    lag = lag_of(
        is_active=is_active, next_run_at=moment(due_s), leased_until=moment(lease_s), now=NOW
    )

    assert lag == timedelta(seconds=lag_s)


def test_every_condition_has_words():
    assert len({one.label for one in Condition}) == len(Condition)
