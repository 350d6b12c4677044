"""How long ago, in words."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.core.templatetags.console_times import ago
from tests.factories import NOW


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "just now"),
        (0, "just now"),
        (59, "just now"),
        (60, "1\xa0minute ago"),
        (7200, "2\xa0hours ago"),
    ],
)
def test_a_moment_is_told_in_words(seconds: int, words: str) -> None:
    assert ago(NOW - timedelta(seconds=seconds), NOW) == words
