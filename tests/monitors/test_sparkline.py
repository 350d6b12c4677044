"""The newest runs as a picture of one line, which says in words and shapes what its colours say."""

from __future__ import annotations

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
    """(kind, top, height) of each."""
    svg = ElementTree.fromstring(str(found))
    return [
        (str(part.get("class")), float(str(part.get("y"))), float(str(part.get("height"))))
        for part in svg
        if part.tag == "rect"
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
    svg = ElementTree.fromstring(str(sparkline(runs("passed", "passed"), places=PLACES)))

    assert [part.get("x") for part in svg if part.tag == "rect"] == ["110", "115"]


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
