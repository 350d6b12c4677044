"""Which step of a maintenance may follow which: the whole table."""

from __future__ import annotations

import pytest

from apps.core.errors import Conflict, Invalid
from apps.incidents.transitions import CANCELLED, MAINTENANCE_MOVES, check_maintenance_move

STATUSES = ("scheduled", "in_progress", "verifying", "completed")

# Rows: where it stands; columns: where it may come to, in the order of STATUSES.
TABLE = {
    ("person", None): "yyyy",
    ("person", "scheduled"): "yyyy",
    ("person", "in_progress"): "yyyy",
    ("person", "verifying"): "yyyy",
    ("person", "completed"): "nyyy",
    ("person", CANCELLED): "nnny",
    ("automation", None): "ynnn",
    ("automation", "scheduled"): "nynn",
    ("automation", "in_progress"): "nnny",
    ("automation", "verifying"): "nnny",
    ("automation", "completed"): "nnnn",
    ("automation", CANCELLED): "nnnn",
}


def test_the_table_is_whole():
    assert MAINTENANCE_MOVES.keys() == TABLE.keys()


@pytest.mark.parametrize(
    ("mover", "before", "after", "allowed"),
    [
        (mover, before, after, answer == "y")
        for (mover, before), answers in TABLE.items()
        for after, answer in zip(STATUSES, answers, strict=True)
    ],
)
def test_each_step_is_allowed_or_refused_as_the_table_says(mover, before, after, allowed):
    cancelled = before == CANCELLED
    code = None
    try:
        check_maintenance_move(
            "completed" if cancelled else before, after, is_cancelled=cancelled, mover=mover
        )
    except Conflict as refusal:
        code = refusal.code

    assert code == (None if allowed else "cancelled" if cancelled else "not_allowed")


def test_a_word_that_is_no_status_is_invalid():
    with pytest.raises(Invalid, match="no maintenance status"):
        check_maintenance_move("scheduled", "resolved")
