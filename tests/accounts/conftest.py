"""People who log in by the form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from apps.accounts.models import User
from tests.accounts.logging_in import PASSWORD
from tests.factories import UserFactory


@pytest.fixture(autouse=True)
def _static_files_by_name(settings: Any) -> None:
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Any) -> None:
    """Hash passwords fast: guessing is slow on purpose, and these tests guess a lot."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def ann(db: None) -> User:
    """A superuser with a password."""
    cache.clear()
    user: User = UserFactory(username="ann", admin=True)
    user.set_password(PASSWORD)
    user.save()
    return user


@pytest.fixture
def browser_of() -> Callable[..., Client]:
    """Make a browser from an address."""

    def make(address: str = "192.0.2.1", agent: str = "Firefox/130 (X11; Linux)") -> Client:
        return Client(REMOTE_ADDR=address, headers={"user-agent": agent})

    return make
