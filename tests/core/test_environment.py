"""The tests' own surroundings."""

from __future__ import annotations

import tempfile
from pathlib import Path

from django.conf import settings


def test_tests_have_a_data_folder_of_their_own():
    assert Path(tempfile.gettempdir()).resolve() in settings.DATA_DIR.resolve().parents
