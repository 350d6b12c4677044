"""The newest runs as a picture of one line, which says in words and shapes what its colours say."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from apps.monitors.admin.sparkline import ABOVE, BELOW, sparkline
from apps.monitors.models import Run

PLACES = 24


def runs(*results: str, times: tuple[int | None, ...] = ()) -> list[Run]:
    return [
        Run(result=result, response_time_ms=times[place] if times else 100)
        for place, result in enumerate(results)
    ]


def bars(found: object) -> list[tuple[str, float, float]]:
    """(kind, top, height) of each, from the left."""
    return [bar[1:] for bar in sorted(_drawn(found))]


def _drawn(found: object) -> list[tuple[float, str, float, float]]:
    svg = ElementTree.fromstring(str(found))
    return [
        (float(x), str(part.get("class")), float(top), float(height))
        for part in svg
        for x, top, height in re.findall(
            r"M([\d.]+) ([\d.]+)h4v([\d.]+)h-4z", str(part.get("d", ""))
        )
    ]


def test_passed_runs_stand_on_the_line_and_failed_ones_hang_below_it():
    passed, failed, error = bars(sparkline(runs("passed", "failed", "error"), places=PLACES))

    assert passed == ("console-chart-passed", 0, ABOVE)
    assert failed == ("console-chart-failed", ABOVE, BELOW)
    assert error[1] + error[2] / 2 == ABOVE


def test_slower_runs_are_higher_and_the_quickest_is_seen():
    heights = [
        bar[2] for bar in bars(sparkline(runs(*["passed"] * 3, times=(0, 50, 100)), places=PLACES))
    ]

    assert heights == [2, ABOVE / 2, ABOVE]


def test_few_runs_are_at_the_right_where_the_newest_is():
    found = _drawn(sparkline(runs("passed", "passed"), places=PLACES))

    assert [bar[0] for bar in found] == [110, 115]


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (runs("passed"), "The newest run: all passed; 100 ms"),
        (
            runs("passed", "failed", "failed", times=(40, None, 900)),
            "The newest 3 runs: 2 failed; 40 ms to 900 ms",
        ),
        (runs("error", "failed", times=(None, None)), "The newest 2 runs: 1 failed, 1 error"),
    ],
)
def test_it_is_told_in_words(shown: list[Run], words: str):
    svg = ElementTree.fromstring(str(sparkline(shown, places=PLACES)))

    assert svg.get("role") == "img"
    assert svg.get("aria-label") == words
    assert svg.findtext("title") == words
    assert "style" not in str(sparkline(shown, places=PLACES))


def test_without_runs_there_is_a_dash():
    assert sparkline([], places=PLACES) == "–"
