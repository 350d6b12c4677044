"""Points and gaps: in bulk, and harmless when repeated."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.pages.models import MeasurementGap, MetricPoint
from apps.pages.services import Gap, Point, record_gaps, write_points
from apps.pages.services.measurements import joined
from tests.factories import NOW, ComponentFactory, MetricFactory

pytestmark = pytest.mark.django_db


def minute(number):
    return NOW + timedelta(minutes=number)


def gaps_of(component):
    return [
        ((gap.started_at - NOW).seconds // 60, (gap.ended_at - NOW).seconds // 60)
        for gap in MeasurementGap.objects.filter(component=component)
    ]


def test_points_are_written_and_a_repeated_one_stays_as_it_was():
    metric = MetricFactory()
    write_points(points=[Point(metric.pk, NOW, "link", 1.5)])

    write_points(points=[Point(metric.pk, NOW, "link", 9.0), Point(metric.pk, NOW, "other", 2.5)])

    points = MetricPoint.objects.order_by("source").values_list("source", "at", "value")
    assert list(points) == [("link", NOW, 1.5), ("other", NOW, 2.5)]


def test_a_micro_batch_of_points_is_one_statement(django_assert_num_queries):
    metric = MetricFactory()
    points = [Point(metric.pk, NOW + timedelta(seconds=n), "link", n) for n in range(199)]

    with django_assert_num_queries(1):
        write_points(points=points)

    assert MetricPoint.objects.count() == 199


def test_writing_no_points_asks_the_database_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        write_points(points=[])


def test_no_page_is_told_of_points_or_gaps(listen):
    metric, component = MetricFactory(), ComponentFactory()
    told = listen("pages_changed")

    write_points(points=[Point(metric.pk, NOW, "", 1.0)])
    record_gaps(gaps=[Gap(component.pk, minute(0), minute(1))])

    assert told == []


def test_gaps_that_touch_become_one():
    component, other = ComponentFactory.create_batch(2)
    record_gaps(gaps=[Gap(component.pk, minute(0), minute(10))])

    record_gaps(
        gaps=[
            Gap(component.pk, minute(10), minute(20)),
            Gap(component.pk, minute(30), minute(40)),
            Gap(other.pk, minute(5), minute(15)),
        ]
    )

    assert gaps_of(component) == [(0, 20), (30, 40)]
    assert gaps_of(other) == [(5, 15)]


def test_a_repeated_gap_keeps_its_row():
    component = ComponentFactory()
    record_gaps(gaps=[Gap(component.pk, minute(0), minute(10))])
    row = MeasurementGap.objects.get().pk

    record_gaps(gaps=[Gap(component.pk, minute(0), minute(10))])

    assert MeasurementGap.objects.get().pk == row


def test_a_gap_without_length_is_no_gap():
    component = ComponentFactory()

    record_gaps(gaps=[Gap(component.pk, minute(5), minute(5))])

    assert gaps_of(component) == []


def test_many_gaps_cost_as_much_as_one(django_assert_max_num_queries):
    components = ComponentFactory.create_batch(20)
    record_gaps(gaps=[Gap(one.pk, minute(0), minute(1)) for one in components])

    with django_assert_max_num_queries(8) as narrow:
        record_gaps(gaps=[Gap(components[0].pk, minute(1), minute(2))])
    with django_assert_max_num_queries(8) as wide:
        record_gaps(gaps=[Gap(one.pk, minute(1), minute(2)) for one in components[1:]])

    assert len(wide) == len(narrow)
    assert MeasurementGap.objects.count() == 20


minutes = st.integers(0, 30)
stretches = st.lists(st.tuples(minutes, minutes).filter(lambda pair: pair[0] < pair[1]))


@given(stretches)
def test_joined_stretches_cover_the_same_minutes_and_never_touch(some):
    found = joined([(minute(start), minute(end)) for start, end in some])

    covered = {m for start, end in some for m in range(start, end)}
    again = {
        m
        for start, end in found
        for m in range(int((start - NOW).seconds / 60), int((end - NOW).seconds / 60))
    }
    assert again == covered
    assert all(before[1] < after[0] for before, after in pairwise(found))
