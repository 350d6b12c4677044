"""Secrets at rest are unreadable, and keys can be changed."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from apps.integrations.models import Connector
from apps.monitors.models import Monitor
from tests.factories import ConnectorFactory, MonitorFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _keys_of_the_test_alone(settings):
    settings.FIELD_ENCRYPTION_KEYS_FILE = None


SECRET = "hunter2 – ünïcode"


def stored(table, column, pk):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {table} WHERE id = %s", [pk])
        return cursor.fetchone()[0]


def test_text_is_stored_encrypted_and_read_plain():
    connector = ConnectorFactory(api_key=SECRET)

    raw = stored("integrations_connector", "api_key", connector.pk)

    assert raw.startswith("gAAAA")
    assert "hunter2" not in raw
    assert Connector.objects.get(pk=connector.pk).api_key == SECRET


def test_a_dict_is_stored_encrypted_and_read_plain():
    monitor = MonitorFactory(secret_variables={"pin": SECRET})

    raw = stored("monitors_monitor", "secret_variables", monitor.pk)

    assert "pin" not in raw
    assert Monitor.objects.get(pk=monitor.pk).secret_variables == {"pin": SECRET}


def test_nothing_stays_nothing():
    connector = ConnectorFactory(api_key="")

    assert stored("integrations_connector", "api_key", connector.pk) == ""
    assert Connector.objects.get(pk=connector.pk).api_key == ""


def test_the_same_secret_is_stored_differently_each_time():
    first, second = ConnectorFactory.create_batch(2, api_key=SECRET)

    assert stored("integrations_connector", "api_key", first.pk) != stored(
        "integrations_connector", "api_key", second.pk
    )


def test_a_new_first_key_encrypts_and_the_old_one_still_opens(settings):
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.FIELD_ENCRYPTION_KEYS = [old]
    connector = ConnectorFactory(api_key=SECRET)

    settings.FIELD_ENCRYPTION_KEYS = [new, old]
    read = Connector.objects.get(pk=connector.pk)
    read.save()
    settings.FIELD_ENCRYPTION_KEYS = [new]

    assert read.api_key == SECRET
    assert Connector.objects.get(pk=connector.pk).api_key == SECRET


def test_without_its_key_a_secret_is_not_read_and_the_setting_is_named(settings):
    connector = ConnectorFactory(api_key=SECRET)
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]

    with pytest.raises(ImproperlyConfigured, match=r"FIELD_ENCRYPTION_KEYS.*Connector\.api_key"):
        Connector.objects.get(pk=connector.pk)


def test_a_secret_cannot_be_searched():
    with pytest.raises(TypeError, match="encrypted"):
        Connector.objects.filter(api_key=SECRET).exists()


def test_a_row_does_not_print_its_secret():
    connector = ConnectorFactory.build(api_key=SECRET)

    assert SECRET not in f"{connector!r} {connector}"
