"""People at the console."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from apps.accounts.models import User
from tests.factories import UserFactory


@pytest.fixture(autouse=True)
def _static_files_by_name(settings: Any) -> None:
    """Static files are not collected for a test: their names are not hashed."""
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }


@pytest.fixture
def admin_user(db: None) -> User:
    """A superuser."""
    user: User = UserFactory(username="root", admin=True)
    return user


@pytest.fixture
def console(admin_user: User) -> Client:
    """A browser in which the superuser is logged in."""
    client = Client()
    client.force_login(admin_user)
    return client


@pytest.fixture
def stranger(db: None) -> User:
    """A member of staff with every permission of Django, which open nothing, and no role anywhere."""
    user: User = UserFactory(username="stranger")
    user.user_permissions.set(Permission.objects.all())
    return user
