"""Which step may follow which."""

from __future__ import annotations

import pytest

from apps.core.errors import Conflict, Invalid
from apps.incidents.models import IncidentStatus
from apps.incidents.transitions import Move, move

OPEN = ["investigating", "identified", "in_progress", "monitoring"]
STATUSES = [*OPEN, "resolved"]


@pytest.mark.parametrize("before", [None, *STATUSES])
@pytest.mark.parametrize("after", STATUSES)
def test_a_person_goes_from_anywhere_to_anywhere(before, after):
    step = move(before, after)

    resolved = before == "resolved"
    assert step.resolves is (after == "resolved" and not resolved)
    assert step.reopens is (after != "resolved" and resolved)


@pytest.mark.parametrize("before", OPEN)
def test_automation_moves_on_from_what_a_person_posted(before):
    assert move(before, "resolved", by_automation=True, spoken_by_person=True) == Move(True, False)


@pytest.mark.parametrize("after", OPEN)
def test_automation_reopens_what_it_resolved_itself(after):
    assert move("resolved", after, by_automation=True) == Move(resolves=False, reopens=True)


@pytest.mark.parametrize("after", STATUSES)
def test_automation_leaves_what_a_person_resolved(after):
    with pytest.raises(Conflict) as refused:
        move("resolved", after, by_automation=True, spoken_by_person=True)

    assert refused.value.code == "resolved_by_person"


def test_automation_does_not_resolve_twice():
    with pytest.raises(Conflict) as refused:
        move("resolved", "resolved", by_automation=True)

    assert refused.value.code == "already_resolved"


@pytest.mark.parametrize("status", ["", "postmortem", "RESOLVED"])
def test_an_unknown_status_is_refused(status):
    with pytest.raises(Invalid):
        move(None, status)


def test_the_table_knows_every_status():
    assert set(STATUSES) == set(IncidentStatus.values)
