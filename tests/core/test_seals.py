"""The audit trail is sealed: what is changed, taken away or put in afterwards is found."""

from __future__ import annotations

import threading
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from apps.core import tasks
from apps.core.audit_chain import check_chain
from apps.core.models import AuditEvent, AuditSeal
from apps.core.services import seals
from apps.core.services.seals import seal_events, settled_until
from tests.factories import NOW
from tests.racing import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _small_seals(monkeypatch):
    monkeypatch.setattr(seals, "EVENTS_A_SEAL", 3)


def events(count, **fields):
    values = {
        "at": NOW,
        "actor_kind": "person",
        "actor_key": "f1x3dp3rs0n0",
        "actor_label": "Robin Doe",
        "action": "monitor.updated",
        "object_type": "monitors.monitor",
        "object_id": "m0n1t0r00000",
        "object_label": "Checkout – ünïcode",
        "changes": {"name": ["A", "B"], "timeout_s": [1.5, None]},
    }
    return [AuditEvent.objects.create(**values | fields) for _ in range(count)]


def fault(*, expected=None, keys=("the key",)):
    return check_chain(secret_keys=keys, expected=expected).fault


@pytest.fixture(autouse=True)
def _key(settings):
    settings.SECRET_KEY = "the key"


def test_the_trail_is_sealed_in_stretches_and_holds():
    events(7)

    assert seal_events(at=NOW) == 3

    report = check_chain(secret_keys=["the key"])
    assert (report.seals, report.events, report.unsealed, report.fault) == (3, 7, 0, "")
    assert [seal.count for seal in AuditSeal.objects.all()] == [3, 3, 1]


def test_sealing_again_adds_only_what_is_new():
    events(2)
    seal_events(at=NOW)
    events(1)

    assert seal_events(at=NOW) == 1
    assert seal_events(at=NOW) == 0
    assert fault() == ""


def test_what_is_not_sealed_yet_is_counted():
    events(3)
    seal_events(at=NOW)
    events(2)

    assert check_chain(secret_keys=["the key"]).unsealed == 2


COLUMNS = {
    "at": NOW + timedelta(microseconds=1),
    "actor_kind": "token",
    "actor_key": "another",
    "actor_label": "Someone Else",
    "action": "monitor.archived",
    "object_type": "pages.page",
    "object_id": "an0th3r00000",
    "object_label": "Other",
    "changes": {"name": ["A", "C"]},
    "channel": "api",
    "address": "192.0.2.7",
    "session": "abc",
}


def test_every_column_of_an_event_is_sealed():
    assert COLUMNS.keys() | {"id"} == {field.name for field in AuditEvent._meta.concrete_fields}


@pytest.mark.parametrize("column", COLUMNS)
def test_a_changed_event_is_found_and_its_range_named(column):
    made = events(6)
    seal_events(at=NOW)
    AuditEvent.objects.filter(pk=made[4].pk).update(**{column: COLUMNS[column]})

    assert fault().startswith(f"Seal 2 (events {made[3].pk} to {made[5].pk}, ")
    assert "was changed" in fault()


def test_a_deleted_event_is_found():
    made = events(6)
    seal_events(at=NOW)
    made[1].delete()

    assert "Seal 1" in fault()
    assert "was made of 3 events; there are 2" in fault()


def test_an_event_put_in_between_is_found():
    first = events(1)[0]
    gap = AuditEvent(pk=first.pk + 1)
    events(1, id=first.pk + 2)
    seal_events(at=NOW)

    events(1, id=gap.pk)

    assert "there are 3" in fault()


@pytest.mark.parametrize("number", [0, -1])
def test_an_event_put_before_the_first_is_found(number):
    events(4)
    seal_events(at=NOW)

    events(1, id=number)

    assert "Seal 1 " in fault()


def test_an_event_moved_to_another_seal_is_found():
    made = events(6)
    seal_events(at=NOW)
    AuditEvent.objects.filter(pk=made[0].pk).update(id=made[-1].pk + 1)

    assert "Seal 1" in fault()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"hash": "a" * 64}, "does not fit"),
        ({"mark": "a" * 64}, "not made with SECRET_KEY"),
        ({"previous_hash": "a" * 64}, "does not follow"),
        ({"key_id": "other"}, "another SECRET_KEY"),
        ({"first_id": 0}, "does not fit"),
        ({"version": 9}, "of version 9"),
    ],
)
def test_a_changed_seal_is_found(change, said):
    events(4)
    seal_events(at=NOW)
    AuditSeal.objects.filter(pk=2).update(**change)

    assert "Seal 2" in fault()
    assert said in fault()


def test_a_missing_seal_is_found():
    events(9)
    seal_events(at=NOW)
    AuditSeal.objects.filter(pk=2).delete()

    assert fault().startswith("Seal 2 is missing: the next one is Seal 3")


def test_a_chain_made_anew_without_the_key_is_found(settings):
    events(4)
    seal_events(at=NOW)
    AuditEvent.objects.update(actor_label="Nobody")
    AuditSeal.objects.all().delete()
    settings.SECRET_KEY = "the attacker's"
    seal_events(at=NOW)

    assert "another SECRET_KEY" in fault()


def test_a_chain_cut_off_or_made_anew_is_found_by_a_head_kept_elsewhere():
    made = events(6)
    seal_events(at=NOW)
    head = AuditSeal.objects.get(pk=2)
    AuditSeal.objects.filter(pk=2).delete()
    AuditEvent.objects.filter(pk__gt=made[2].pk).delete()

    assert fault() == ""
    assert fault(expected=(2, head.hash)) == "Seal 2 is missing: the chain ends at 1."

    events(3)
    seal_events(at=NOW)
    assert "is not the one noted" in fault(expected=(2, head.hash))


def test_an_earlier_key_can_be_given():
    events(1)
    seal_events(at=NOW)

    assert fault(keys=("new", "the key")) == ""


def test_what_is_sealed_late_is_told():
    events(2, at=NOW - timedelta(days=2))
    events(1)
    seal_events(at=NOW)

    assert check_chain(secret_keys=["the key"]).late == 2


def test_the_command_says_what_holds_and_fails_on_what_does_not(tmp_path):
    made = events(4)
    tasks.seal_audit()
    events(1)
    out, head = StringIO(), StringIO()
    call_command("verify_audit", stdout=out)
    call_command("verify_audit", head=True, stdout=head)

    assert "2 seals of 4 events hold. 1 events are not sealed yet." in out.getvalue()
    call_command("verify_audit", expect=head.getvalue().strip(), stdout=out)
    made[3].delete()
    with pytest.raises(CommandError, match=r"Seal 2 .*The 1 seals before it hold \(3 events\)"):
        call_command("verify_audit")


def test_the_command_takes_an_earlier_key_from_a_file(tmp_path, settings):
    events(1)
    seal_events(at=NOW)
    settings.SECRET_KEY = "the new key"
    old = tmp_path / "old"
    old.write_text("the key\n")
    out = StringIO()

    call_command("verify_audit", old_key_file=[str(old)], stdout=out)

    assert "hold" in out.getvalue()
    with pytest.raises(CommandError, match="--old-key-file"):
        call_command("verify_audit")


def test_the_command_refuses_a_head_that_is_none():
    with pytest.raises(CommandError, match="NUMBER:HASH"):
        call_command("verify_audit", expect="12")


def test_a_seal_costs_the_same_statements_however_many_events(django_assert_num_queries):
    events(1)
    with django_assert_num_queries(_ONE_SEAL):
        seal_events(at=NOW)
    events(3)
    with django_assert_num_queries(_ONE_SEAL):
        seal_events(at=NOW)


# The horizon; head and events twice, the second time without any; the seal. In a test atomics are savepoints.
_ONE_SEAL = 11 if connection.vendor == "postgresql" else 10


@pytest.mark.django_db(transaction=True)
def test_two_sealers_at_once_make_one_chain():
    events(20)

    made = at_once([lambda: seal_events(at=NOW)] * 2)

    for _ in range(10):
        if not seal_events(at=NOW):
            break
    assert all(isinstance(count, int) for count in made)
    report = check_chain(secret_keys=["the key"])
    assert (report.fault, report.events, report.unsealed) == ("", 20, 0)


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
def test_nothing_is_sealed_while_a_lower_id_may_still_appear():
    inserted, committed = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            events(1)
            inserted.set()
            committed.wait(10)

    def quick() -> tuple[int | None, int]:
        inserted.wait(10)
        try:
            events(1)
            return settled_until(), seal_events(at=NOW)
        finally:
            committed.set()

    _, seen = at_once([slow, quick])

    assert seen == (None, 0)
    assert seal_events(at=NOW) == 1
    report = check_chain(secret_keys=["the key"])
    assert (report.fault, report.events) == ("", 2)
