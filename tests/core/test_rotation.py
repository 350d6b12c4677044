"""Keys are changed while everything runs, and no secret is lost on the way."""

from __future__ import annotations

import os
import threading
import time
from io import StringIO
from pathlib import Path

import pytest
from cryptography.fernet import Fernet, InvalidToken
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connection

from apps.core.clock import DatabaseNow
from apps.core.keyfile import one_at_a_time, read_keys, write_keys
from apps.core.keys import Cipher, KeyRing, fingerprint, ring
from apps.core.management.commands import rotate_keys
from apps.core.models import Heartbeat
from apps.core.services import rotation
from apps.core.services.rotation import count_older, encrypted_columns, reencrypt
from apps.core.tasks import heartbeat
from apps.integrations.models import Connector
from apps.monitors.models import Monitor
from tests.factories import ConnectorFactory, MonitorFactory

pytestmark = pytest.mark.django_db

OLD, NEW, OTHER = (Fernet.generate_key().decode() for _ in range(3))


@pytest.fixture
def key_file(tmp_path: Path, settings):
    """The platform's own file, with one key."""
    path = tmp_path / "field_encryption_keys"
    write_keys(path, [OLD])
    settings.FIELD_ENCRYPTION_KEYS = [OLD]
    settings.FIELD_ENCRYPTION_KEYS_FILE = path
    settings.FIELD_ENCRYPTION_KEYS_ARE_OURS = True
    return path


@pytest.fixture
def given(settings):
    """Keys from a variable."""
    settings.FIELD_ENCRYPTION_KEYS_FILE = None
    settings.FIELD_ENCRYPTION_KEYS_ARE_OURS = False
    settings.FIELD_ENCRYPTION_KEYS = [OLD]
    return settings


def run(**options):
    out = StringIO()
    call_command("rotate_keys", stdout=out, **options)
    return out.getvalue()


def stored(row, column):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {row._meta.db_table} WHERE id = %s", [row.pk])
        return cursor.fetchone()[0]


def opens(key, row, column):
    try:
        Fernet(key).decrypt(stored(row, column))
    except InvalidToken:
        return False
    return True


def aged(path, seconds=rotate_keys.SETTLED_AFTER_S + 1):
    os.utime(path, (time.time() - seconds,) * 2)


def test_every_encrypted_column_is_known():
    assert {
        "integrations.Connector.api_key",
        "monitors.Monitor.secret_variables",
        "monitors.MonitorRequest.headers",
        "monitors.MonitorRequest.auth",
        "mfa.Authenticator.data",
    } <= {column.label for column in encrypted_columns()}


def test_everything_is_under_the_new_key_and_reads_as_before(key_file):
    connector = ConnectorFactory(api_key="hunter2")
    empty = ConnectorFactory(api_key="")
    monitor = MonitorFactory(secret_variables={"pin": "hunter3"})
    monitor.archived_at = monitor.updated_at
    monitor.save()

    said = run()

    new, old = read_keys(key_file)
    assert old == OLD
    assert opens(new, connector, "api_key")
    assert opens(new, monitor, "secret_variables")
    assert stored(empty, "api_key") == ""
    assert Connector.objects.get(pk=connector.pk).api_key == "hunter2"
    assert Monitor.objects.get(pk=monitor.pk).secret_variables == {"pin": "hunter3"}
    assert "integrations.Connector.api_key: 1 of 1 encrypted anew" in said
    assert new not in said
    assert key_file.stat().st_mode & 0o777 == 0o600


def test_tokens_in_json_of_others_are_moved_too(key_file, admin_authenticator):
    run()

    new = read_keys(key_file)[0]
    admin_authenticator.refresh_from_db()
    data = admin_authenticator.data
    assert Fernet(new).decrypt(data["secret"]) == b"TOTPSECRET"
    assert [Fernet(new).decrypt(code) for code in data["codes"]] == [b"one", b"two"]
    assert data["used_mask"] == 5


@pytest.fixture
def admin_authenticator(key_file):
    from allauth.mfa.models import Authenticator

    from tests.factories import UserFactory

    def token(text):
        return Cipher().encrypt(text).decode()

    data = {
        "secret": token(b"TOTPSECRET"),
        "codes": [token(b"one"), token(b"two")],
        "used_mask": 5,
    }
    return Authenticator.objects.create(user=UserFactory(), type="totp", data=data)


def test_killed_on_the_way_it_does_the_rest_with_the_same_key(key_file, monkeypatch):
    first, second = (ConnectorFactory(api_key="hunter2") for _ in range(2))
    monkeypatch.setattr(rotation, "BATCH", 1)
    store = rotation._store
    monkeypatch.setattr(rotation, "_store", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        run()
    new = read_keys(key_file)[0]
    assert Connector.objects.get(pk=first.pk).api_key == "hunter2"
    monkeypatch.setattr(rotation, "_store", store)

    said = run()

    assert "An earlier rotation did not end" in said
    assert read_keys(key_file) == (new, OLD)
    assert opens(new, first, "api_key")
    assert opens(new, second, "api_key")


def test_a_change_made_meanwhile_is_not_lost(key_file, monkeypatch):
    connector = ConnectorFactory(api_key="hunter2")
    store = rotation._store
    edits = ["hunter3"]

    def edited_first(column, changed):
        if edits and column.label.endswith("api_key"):
            Connector.objects.filter(pk=connector.pk).update(api_key=edits.pop())
        return store(column, changed)

    monkeypatch.setattr(rotation, "_store", edited_first)
    run()

    assert Connector.objects.get(pk=connector.pk).api_key == "hunter3"
    assert opens(read_keys(key_file)[0], connector, "api_key")


def test_a_process_with_the_old_keys_reads_what_is_under_the_new_one(key_file, monkeypatch):
    connector = ConnectorFactory(api_key="hunter2")
    behind = KeyRing()
    behind.refresh()
    run()
    aged(key_file)
    monkeypatch.setattr("apps.core.keys.ring", behind)
    assert behind.known() == (OLD,)

    assert Connector.objects.get(pk=connector.pk).api_key == "hunter2"
    assert behind.known() == read_keys(key_file)


def test_a_process_with_the_old_keys_saves_with_the_new_one(key_file, monkeypatch):
    behind = KeyRing()
    behind.refresh()
    run()
    aged(key_file)
    monkeypatch.setattr("apps.core.keys.ring", behind)

    assert opens(read_keys(key_file)[0], ConnectorFactory(api_key="hunter2"), "api_key")


def test_a_key_file_that_is_gone_or_spoilt_leaves_the_keys_that_were_read(key_file):
    connector = ConnectorFactory(api_key="hunter2")
    key_file.write_text("no key")
    assert Connector.objects.get(pk=connector.pk).api_key == "hunter2"
    key_file.unlink()

    assert Connector.objects.get(pk=connector.pk).api_key == "hunter2"


def test_an_unchanged_file_is_not_read_again(key_file):
    one = KeyRing()
    one.refresh()
    signature = key_file.stat()
    key_file.write_text("x" * signature.st_size)
    os.utime(key_file, ns=(signature.st_atime_ns, signature.st_mtime_ns))

    assert not one.refresh()


def test_old_keys_go_when_nothing_needs_them(key_file):
    connector = ConnectorFactory(api_key="hunter2")
    run()
    new = read_keys(key_file)[0]
    aged(key_file)

    said = run(drop_old=True)

    assert "1 older keys are gone" in said
    assert read_keys(key_file) == (new,)
    assert Connector.objects.get(pk=connector.pk).api_key == "hunter2"


def test_old_keys_stay_for_those_who_are_saving_right_now(key_file):
    run()

    with pytest.raises(CommandError, match="Come back in"):
        run(drop_old=True)

    assert len(read_keys(key_file)) == 2


def test_what_is_still_under_an_old_key_is_moved_before_that_goes(key_file, settings):
    run()
    connector = ConnectorFactory(api_key="hunter2")
    with connection.cursor() as cursor:
        token = Fernet(OLD).encrypt(b"hunter2").decode()
        cursor.execute("UPDATE integrations_connector SET api_key = %s", [token])
    aged(key_file)

    run(drop_old=True)

    assert Connector.objects.get(pk=connector.pk).api_key == "hunter2"


def test_what_no_key_opens_is_told_and_keeps_the_old_keys(key_file):
    connector = ConnectorFactory(api_key="hunter2")
    other = ConnectorFactory(api_key="hunter2")
    with connection.cursor() as cursor:
        token = Fernet(OTHER).encrypt(b"lost").decode()
        cursor.execute(
            "UPDATE integrations_connector SET api_key = %s WHERE id = %s", [token, other.pk]
        )

    with pytest.raises(CommandError, match=r"No key opens integrations\.Connector\.api_key \(1\)"):
        run()
    aged(key_file)
    with pytest.raises(CommandError, match="No key opens"):
        run(drop_old=True)

    assert OLD in read_keys(key_file)
    assert Connector.objects.get(pk=connector.pk).api_key == "hunter2"


def test_nothing_changes_while_a_live_worker_does_not_know_the_new_key(key_file):
    connector = ConnectorFactory(api_key="hunter2")
    Heartbeat.objects.create(name="worker:elsewhere", at=DatabaseNow(), keys=[fingerprint(OLD)])

    with pytest.raises(CommandError, match="worker:elsewhere does not know key"):
        run(wait_s=0)

    assert read_keys(key_file) == (OLD,)
    assert opens(OLD, connector, "api_key")


def test_a_worker_says_which_keys_it_knows(key_file):
    ring.refresh()

    heartbeat()

    worker = Heartbeat.objects.get(name__startswith="worker:")
    assert worker.keys == [fingerprint(OLD)]


@pytest.mark.django_db(transaction=True)
def test_the_workers_next_sign_of_life_lets_the_rotation_go_on(key_file):
    connector = ConnectorFactory(api_key="hunter2")
    heartbeat()

    def live():
        while not done.wait(0.1):
            heartbeat()
        connection.close()

    done = threading.Event()
    worker = threading.Thread(target=live)
    worker.start()
    try:
        run(wait_s=10)
    finally:
        done.set()
        worker.join()

    assert opens(read_keys(key_file)[0], connector, "api_key")


def test_only_one_rotates_at_a_time(key_file):
    with one_at_a_time(key_file), pytest.raises(CommandError, match="already"):
        run()


def test_keys_of_a_variable_are_left_to_the_operator_with_the_steps(given):
    with pytest.raises(CommandError, match=r"1\. Set FIELD_ENCRYPTION_KEYS=<the present key>,"):
        run()


def test_keys_of_a_variable_move_everything_to_the_first_and_say_when_the_others_may_go(given):
    connector = ConnectorFactory(api_key="hunter2")
    given.FIELD_ENCRYPTION_KEYS = [NEW, OLD]

    run()
    said = run(drop_old=True)

    assert "Nothing needs the older keys" in said
    assert fingerprint(NEW) in said
    assert opens(NEW, connector, "api_key")
    given.FIELD_ENCRYPTION_KEYS = [NEW]
    assert Connector.objects.get(pk=connector.pk).api_key == "hunter2"


def test_a_worker_that_was_not_restarted_with_the_variable_is_named(given):
    Heartbeat.objects.create(name="worker:elsewhere", at=DatabaseNow(), keys=[fingerprint(OLD)])
    given.FIELD_ENCRYPTION_KEYS = [NEW, OLD]

    with pytest.raises(CommandError, match="worker:elsewhere does not know"):
        run(wait_s=0)


def test_without_any_key_that_fits_a_secret_is_not_read(given):
    connector = ConnectorFactory(api_key="hunter2")
    given.FIELD_ENCRYPTION_KEYS = [NEW]

    with pytest.raises(ImproperlyConfigured):
        Connector.objects.get(pk=connector.pk)


def test_counting_writes_nothing(given):
    connector = ConnectorFactory(api_key="hunter2")
    before = stored(connector, "api_key")

    assert count_older([NEW, OLD]) == 1
    assert stored(connector, "api_key") == before
    assert reencrypt([NEW, OLD])["integrations.Connector.api_key"].moved == 1
    assert count_older([NEW, OLD]) == 0


def test_batches_are_bounded(given, monkeypatch):
    monkeypatch.setattr(rotation, "BATCH", 2)
    ConnectorFactory.create_batch(5, api_key="hunter2")

    assert reencrypt([NEW, OLD])["integrations.Connector.api_key"].moved == 5
