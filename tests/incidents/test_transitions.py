"""Which step may follow which."""

from __future__ import annotations

from typing import get_args

import pytest

from apps.core.errors import Conflict, Invalid
from apps.incidents.models import IncidentStatus
from apps.incidents.transitions import INCIDENT_MOVES, Move, Mover, Standing, move

OPEN = ["investigating", "identified", "in_progress", "monitoring"]
ON, RESOLVES, REOPENS = Move(False, False), Move(True, False), Move(False, True)

# (who, where it stands, what a step to an open status does, what a step to resolved does)
TABLE = [
    ("person", "new", ON, RESOLVES),
    ("person", "open", ON, RESOLVES),
    ("person", "resolved by a person", REOPENS, ON),
    ("person", "resolved by automation", REOPENS, ON),
    ("person", "told after it was over", "retrospective", ON),
    ("person", "merged into another", "merged", "merged"),
    ("automation", "new", ON, RESOLVES),
    ("automation", "open", ON, RESOLVES),
    ("automation", "resolved by a person", "resolved_by_person", "resolved_by_person"),
    ("automation", "resolved by automation", REOPENS, "already_resolved"),
    ("automation", "told after it was over", "retrospective", "retrospective"),
    ("automation", "merged into another", "merged", "merged"),
]
STEPS = [
    (mover, standing, after, expected)
    for mover, standing, to_open, to_resolved in TABLE
    for after, expected in [*((one, to_open) for one in OPEN), ("resolved", to_resolved)]
]


@pytest.mark.parametrize(("mover", "standing", "after", "expected"), STEPS)
def test_each_step_does_what_the_table_says(mover, standing, after, expected):
    if isinstance(expected, Move):
        assert move(Standing(standing), after, mover=mover) == expected
        return

    with pytest.raises(Conflict) as refused:
        move(Standing(standing), after, mover=mover)

    assert refused.value.code == expected


def test_the_table_is_whole():
    assert {(mover, Standing(standing)) for mover, standing, *_ in TABLE} == set(INCIDENT_MOVES)
    assert set(INCIDENT_MOVES) == {(who, one) for who in get_args(Mover) for one in Standing}
    assert {*OPEN, "resolved"} == set(IncidentStatus.values)


@pytest.mark.parametrize("status", ["", "postmortem", "RESOLVED"])
@pytest.mark.parametrize("standing", Standing)
def test_an_unknown_status_is_refused(standing, status):
    with pytest.raises(Invalid):
        move(standing, status)
