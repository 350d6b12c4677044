"""Laying corrections over what was recorded: the pure rule (issue: corrections)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.pages.corrections import NOT_MEASURED, Overlay, laid_over, reasons, winning
from apps.pages.status import ComponentStatus
from apps.pages.uptime import Interval, Span, tally

START = datetime(2026, 3, 2, tzinfo=UTC)


def hour(number):
    return START + timedelta(hours=number)


def counted(spans, gaps, *overlays, until=10):
    spans, gaps = laid_over(spans, gaps, winning(overlays))
    found = tally(spans, gaps, since=START, until=hour(until))
    return {
        state: getattr(found, state) / 3600
        for state in found.__dataclass_fields__
        if getattr(found, state)
    }


OUTAGE = [
    Span("operational", hour(0), hour(2)),
    Span("major_outage", hour(2), hour(6)),
    Span("operational", hour(6), None),
]


@pytest.mark.parametrize(
    ("overlays", "expected"),
    [
        ([], {"operational": 6, "major": 4}),
        ([Overlay("operational", hour(2), hour(6))], {"operational": 10}),
        ([Overlay("operational", hour(3), hour(4))], {"operational": 7, "major": 3}),
        ([Overlay("partial_outage", hour(5), hour(8))],
         {"operational": 4, "major": 3, "partial": 3}),
        ([Overlay(NOT_MEASURED, hour(1), hour(7))], {"operational": 4, "unmeasured": 6}),
        ([Overlay("major_outage", hour(0), hour(10))], {"major": 10}),
        # The later one is true where they overlap.
        ([Overlay("operational", hour(2), hour(6)), Overlay("partial_outage", hour(3), hour(4))],
         {"operational": 9, "partial": 1}),
        ([Overlay("partial_outage", hour(3), hour(4)), Overlay("operational", hour(2), hour(6))],
         {"operational": 10}),
        ([Overlay(NOT_MEASURED, hour(2), hour(4)), Overlay("major_outage", hour(3), hour(5))],
         {"operational": 6, "major": 3, "unmeasured": 1}),
    ],
)  # fmt: skip
def test_a_correction_takes_the_place_of_what_was_recorded(overlays, expected):
    assert counted(OUTAGE, [], *overlays) == expected


def test_a_corrected_status_counts_also_where_nobody_measured():
    gaps = [Interval(hour(0), hour(10))]

    assert counted(OUTAGE, gaps, Overlay("major_outage", hour(2), hour(3))) == {
        "major": 1,
        "unmeasured": 9,
    }


def test_not_measured_outweighs_what_a_person_had_said():
    spans = [Span("major_outage", hour(0), None, spoken=True)]

    assert counted(spans, [], Overlay(NOT_MEASURED, hour(0), hour(4))) == {
        "major": 6,
        "unmeasured": 4,
    }


def test_time_before_the_first_period_stays_unknown():
    spans = [Span("operational", hour(4), None)]

    assert counted(spans, [], Overlay("major_outage", hour(0), hour(5))) == {
        "operational": 5,
        "major": 1,
    }


def test_reasons_are_those_of_the_pieces_that_touch_the_stretch():
    pieces = winning(
        [
            Overlay("operational", hour(0), hour(2), "hidden by the next"),
            Overlay("operational", hour(0), hour(3), "false alarm"),
            Overlay("partial_outage", hour(5), hour(6), "only one region"),
        ]
    )

    assert reasons(pieces, hour(2), hour(5)) == ("false alarm",)
    assert reasons(pieces, hour(0), hour(10)) == ("false alarm", "only one region")


minutes = st.integers(0, 600)
states = [*ComponentStatus.values, NOT_MEASURED]


@st.composite
def histories(draw):
    cuts = sorted(draw(st.sets(minutes, min_size=1, max_size=6)))
    moments = [START + timedelta(minutes=cut) for cut in cuts]
    spans = [
        Span(draw(st.sampled_from(ComponentStatus.values)), start, end, draw(st.booleans()))
        for start, end in zip(moments, [*moments[1:], None], strict=True)
    ]
    return spans, [Interval(*pair) for pair in draw(st.lists(stretches(), max_size=3))]


@st.composite
def stretches(draw):
    start, end = sorted(draw(st.sets(minutes, min_size=2, max_size=2)))
    return START + timedelta(minutes=start), START + timedelta(minutes=end)


@st.composite
def corrections(draw):
    return [
        Overlay(draw(st.sampled_from(states)), *stretch, reason=str(number))
        for number, stretch in enumerate(draw(st.lists(stretches(), max_size=5)))
    ]


def minute_by_minute(spans, gaps, overlays):
    """The same rule the slow way: what is true of each minute."""
    found = {}
    for number in range(600):
        at = START + timedelta(minutes=number)
        span = next(
            (s for s in spans if s.started_at <= at and (s.ended_at is None or at < s.ended_at)),
            None,
        )
        if span is None:
            continue
        said = [one for one in overlays if one.started_at <= at < one.ended_at]
        if said:
            status = said[-1].status
        elif not span.spoken and any(one.started_at <= at < one.ended_at for one in gaps):
            status = NOT_MEASURED
        else:
            status = span.status
        found[status] = found.get(status, 0) + 60
    return found


NAMES = {
    "operational": "operational",
    "under_maintenance": "maintenance",
    "degraded_performance": "degraded",
    "partial_outage": "partial",
    "major_outage": "major",
    NOT_MEASURED: "unmeasured",
}


@given(histories(), corrections())
def test_every_minute_is_what_the_last_word_on_it_says(history, overlays):
    spans, gaps = history

    found = tally(*laid_over(spans, gaps, winning(overlays)), since=START, until=hour(10))

    expected = minute_by_minute(spans, gaps, overlays)
    assert {status: getattr(found, name) for status, name in NAMES.items()} == {
        status: expected.get(status, 0) for status in NAMES
    }


@given(histories(), corrections())
def test_seconds_are_conserved_and_spans_never_overlap(history, overlays):
    spans, gaps = history

    corrected, unmeasured = laid_over(spans, gaps, winning(overlays))

    before = tally(spans, gaps, since=START, until=hour(12))
    after = tally(corrected, unmeasured, since=START, until=hour(12))
    assert after.measured + after.unmeasured == before.measured + before.unmeasured
    assert corrected[0].started_at == spans[0].started_at
    assert all(one.ended_at == other.started_at for one, other in pairwise(corrected))
    assert corrected[-1].ended_at is None


@given(histories(), corrections())
def test_laying_the_same_corrections_over_twice_changes_nothing(history, overlays):
    pieces = winning(overlays)
    once = laid_over(*history, pieces)

    assert winning(overlays + overlays) == pieces
    assert tally(*laid_over(*once, pieces), since=START, until=hour(10)) == tally(
        *once, since=START, until=hour(10)
    )
