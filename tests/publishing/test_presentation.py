from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from apps.publishing import event_views, presentation
from tests.factories import NOW
from tests.publishing import models


def test_the_banner_says_what_the_api_says():
    banner = presentation.banner(models.in_trouble())

    assert banner.headline == "Partial System Outage"
    assert banner.detail == "2 open incidents. Affected: Website and Checkout."


def test_an_incident_is_not_hidden_behind_working_components():
    banner = presentation.banner(models.noticed())

    assert banner.indicator == "none"
    assert banner.headline == "Active Incident"
    assert banner.detail == "1 open incident. All components are operational."


def test_components_that_show_only_when_degraded_come_and_go():
    quiet = models.component("Quiet", 1, only_show_if_degraded=True)
    model = replace(
        models.empty(), top_level=(quiet, models.group("G", 2, replace(quiet, id="c9")))
    )

    assert presentation.top_level(model) == ()
    assert len(presentation.top_level(models.with_statuses(model, Quiet="major_outage"))) == 2


def test_a_group_is_unfolded_where_something_is_wrong():
    group = next(
        entry
        for entry in presentation.top_level(models.in_trouble())
        if isinstance(entry, presentation.GroupView)
    )

    assert group.is_unfolded
    assert group.uptime == "99.92 %"


def test_the_past_days_are_complete_and_quiet_ones_stand_together():
    days = event_views.past_days(models.operational())

    assert [(day.title, len(day.incidents)) for day in days] == [
        ("1 Mar 2026 – 2 Mar 2026", 0),
        ("Saturday, 28 February 2026", 1),
        ("22 Feb 2026 – 27 Feb 2026", 0),
        ("Saturday, 21 February 2026", 1),
        ("17 Feb 2026 – 20 Feb 2026", 0),
    ]


def test_a_long_incident_stands_on_the_day_it_was_resolved():
    long = models.incident(
        "Long",
        5,
        models.update(51, "resolved", "Over.", NOW - timedelta(days=1)),
        models.update(50, "investigating", "?", NOW - timedelta(days=30)),
    )
    days = event_views.past_days(replace(models.empty(), incidents=(long,)))

    assert [day.title for day in days if day.incidents] == ["Sunday, 1 March 2026"]


def test_an_update_that_repeats_the_status_is_called_update():
    long = models.incident(
        "Long",
        5,
        models.update(52, "monitoring", "c", NOW),
        models.update(51, "monitoring", "b", NOW - timedelta(minutes=5)),
        models.update(50, "investigating", "a", NOW - timedelta(minutes=9)),
    )
    view = event_views.incident_view(long, models.empty().zone)

    assert [update.word for update in view.updates] == ["Update", "Monitoring", "Investigating"]


def test_in_progress_keeps_its_own_word_for_people():
    view = event_views.incident_view(models.in_trouble().incidents[0], models.empty().zone)

    assert view.status_word == "In progress"
    assert view.updates[0].word == "In progress"


def test_a_cancelled_maintenance_says_for_when_it_was_planned():
    model = models.maintained()
    cancelled = next(one for one in model.maintenances if one.is_cancelled)

    view = event_views.maintenance_view(cancelled, model.zone)

    assert view.status_word == "Cancelled"
    assert view.outline == "Was planned for 4 Mar 2026, 13:00 CET, until 15:00 CET."
