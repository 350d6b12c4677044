"""Failed log-ins are remembered by another process: what was counted outlives a restart."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import services

ROOT = Path(__file__).resolve().parent.parent.parent
SCRIPT = """
import django; django.setup()
from django.conf import settings
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
settings.STORAGES = settings.STORAGES | {
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
}
import sys, types
from django.core.management import call_command
from django.test import Client
from django.urls import include, path
# The log-in alone: the console's screens take seconds to load.
sys.modules["alone"] = types.ModuleType("alone")
sys.modules["alone"].urlpatterns = [path("account/", include("apps.accounts.login.urls"))]
settings.ROOT_URLCONF = "alone"
call_command("migrate", "accounts", verbosity=0)
for _ in range(%d):
    answer = Client().post("/account/login/", {"username": "ann", "password": "wrong"})
print("closed" if "Too many failed log-ins" in answer.text else "open")
"""


def answers(folder: Path, **environment: str) -> list[str]:
    """Guess five times in one process and once in the next; return how each ended."""

    def run(times: int) -> str:
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT % times],
            cwd=ROOT,
            env={
                **os.environ,
                "DATA_DIR": str(folder),
                "DATABASE_URL": "",
                "DJANGO_SETTINGS_MODULE": "statusplatform.settings",
                "ALLOWED_HOSTS": "testserver",
                **environment,
            },
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip().splitlines()[-1]

    return [run(5), run(1)]


def test_a_restart_forgets_no_failed_log_in(tmp_path):
    assert answers(tmp_path) == ["open", "closed"]


@pytest.mark.redis
def test_nor_does_it_where_redis_counts(tmp_path):
    try:
        with services.redis() as url:
            assert answers(tmp_path, CACHE_URL=url) == ["open", "closed"]
    except services.Missing as missing:
        if services.in_ci():
            raise
        pytest.skip(str(missing))
