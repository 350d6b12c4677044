"""What PostgreSQL ends for the sake of another transaction is begun anew. SQLite lets one writer at a time in."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import pytest
from django.db import OperationalError, connection, transaction

from apps.accounts.models import Workspace
from apps.core.retrying import tried_again
from tests.factories import WorkspaceFactory
from tests.racing import at_once

pytestmark = pytest.mark.django_db(transaction=True)

HOLD_S = 0.3


@transaction.atomic
def _rename(name: str, first: Workspace, second: Workspace) -> None:
    for row in (first, second):
        list(Workspace.objects.select_for_update().filter(pk=row.pk))
        Workspace.objects.filter(pk=row.pk).update(name=f"{row.public_id} {name}")
        time.sleep(HOLD_S)


def _cross(rename: Callable[..., None]) -> list[object]:
    one, other = WorkspaceFactory(), WorkspaceFactory()
    return at_once([partial(rename, "a", one, other), partial(rename, "b", other, one)])


def test_a_service_that_lost_a_deadlock_is_run_again() -> None:
    assert _cross(tried_again(_rename)) == [None, None]

    assert len({row.name[-1] for row in Workspace.objects.all()}) == 1


def test_inside_a_callers_transaction_the_deadlock_rises() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no deadlocks")

    outcomes = _cross(transaction.atomic(tried_again(_rename)))

    assert [type(one) for one in outcomes if one is not None] == [OperationalError]


def test_another_trouble_of_the_database_rises_at_once() -> None:
    calls = []

    @tried_again
    def broken() -> None:
        calls.append(1)
        raise OperationalError("the disk is full")

    with pytest.raises(OperationalError, match="disk"):
        broken()

    assert len(calls) == 1
