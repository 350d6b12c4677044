from __future__ import annotations

from datetime import UTC, datetime

import pytest

from apps.publishing.times import duration_text, moment_text, wire_time, wire_zone, zone_of

SUMMER = datetime(2026, 7, 1, 12, 5, 9, 705999, tzinfo=UTC)
WINTER = datetime(2026, 1, 1, 12, 5, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "at", "written"),
    [
        ("UTC", SUMMER, "2026-07-01T12:05:09.705Z"),
        ("Etc/UTC", WINTER, "2026-01-01T12:05:09.000Z"),
        ("America/Los_Angeles", SUMMER, "2026-07-01T05:05:09.705-07:00"),
        ("America/Los_Angeles", WINTER, "2026-01-01T04:05:09.000-08:00"),
        ("Europe/London", WINTER, "2026-01-01T12:05:09.000+00:00"),
        ("Asia/Kolkata", WINTER, "2026-01-01T17:35:09.000+05:30"),
    ],
)
def test_times_have_three_decimals_and_the_zones_offset_of_that_instant(zone, at, written):
    assert wire_time(at, zone_of(zone)) == written


def test_plain_utc_has_its_long_name_on_the_wire():
    assert wire_zone("UTC") == "Etc/UTC"
    assert wire_zone("Europe/Berlin") == "Europe/Berlin"


def test_an_unknown_zone_is_utc():
    assert zone_of("Mars/Olympus").key == "UTC"


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        ("Europe/Berlin", "1 Jul 2026, 14:05 CEST"),
        ("Asia/Kolkata", "1 Jul 2026, 17:35 IST"),
        ("America/Sao_Paulo", "1 Jul 2026, 09:05 UTC-03:00"),
    ],
)
def test_people_read_the_pages_zone(zone, text):
    assert moment_text(SUMMER, zone_of(zone)) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h"),
        (11100, "3 h 5 min"),
        (86400, "1 d"),
        (190000, "2 d 4 h"),
    ],
)
def test_lengths_are_told_in_two_units(seconds, text):
    assert duration_text(seconds) == text
