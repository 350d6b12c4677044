"""The overview and the policy that its pages are sent with."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.tokens import TokenLimits, create_token
from apps.core.csp import HEADER
from apps.integrations.models import Connector, Delivery
from apps.monitors.engine.pulse import Pulse
from apps.monitors.models import Certificate
from apps.publishing.models import Publication
from tests.factories import (
    NOW,
    PERSON,
    ComponentFactory,
    ConnectorPageFactory,
    DeliveryFactory,
    DeliveryStreamFactory,
    IncidentFactory,
    IncidentRuleFactory,
    IntegrationFactory,
    MembershipFactory,
    MonitorFactory,
    OutageFactory,
    PageFactory,
    PageMembershipFactory,
    ScheduleFactory,
)

pytestmark = pytest.mark.django_db


def _text(console: Client) -> str:
    return console.get(reverse("admin:index")).content.decode()


def test_a_new_installation_is_led_through_its_set_up(console: Client):
    text = _text(console)

    assert "Set up your status page" in text
    assert "0 of 5 steps done" in text
    assert "No worker has been seen yet" in text
    assert "Hide this" not in text


def test_the_steps_tick_themselves_off(console: Client, admin_user: User):
    PageFactory()
    IntegrationFactory()

    text = _text(console)

    assert "3 of 4 steps done" in text
    assert text.count("(done)") == 3
    assert reverse("admin:accounts_apitoken_add") in text


def test_a_set_up_that_is_done_is_shown_no_more(console: Client, admin_user: User):
    PageFactory()
    IntegrationFactory()
    create_token(user=admin_user, name="CI", limits=TokenLimits(), actor=PERSON, at=NOW)

    assert "Set up your status page" not in _text(console)


def test_what_is_left_can_be_hidden_once_the_page_works(console: Client):
    PageFactory()
    IntegrationFactory()
    assert "Hide this" in _text(console)

    console.get(reverse("admin:hide_first_steps"))
    assert "Set up your status page" in _text(console)
    console.post(reverse("admin:hide_first_steps"))

    assert "Set up your status page" not in _text(console)


def test_an_editor_is_told_which_steps_are_not_theirs():
    member = MembershipFactory(role="editor")
    client = Client()
    client.force_login(member.user)

    text = _text(client)

    assert reverse("admin:monitors_monitor_add") in text
    assert reverse("admin:pages_page_add") not in text
    assert "(somebody with more rights has to)" in text


def test_who_can_take_no_step_is_not_led():
    member = PageMembershipFactory(role="viewer")
    client = Client()
    client.force_login(member.user)

    assert "Set up your status page" not in _text(client)


def test_who_is_a_member_of_nothing_is_told_whom_to_ask(stranger: User):
    OutageFactory(monitor=MonitorFactory(name="Orders"))
    client = Client()
    client.force_login(stranger)

    text = _text(client)

    assert "Nothing is shared with you yet" in text
    assert "Orders" not in text


def test_the_overview_says_what_is_wrong(console: Client):
    OutageFactory(monitor=MonitorFactory(name="Orders"), reason="status is 503")
    IncidentFactory(name="Orders fail")
    DeliveryFactory(state=Delivery.State.DEAD, last_error="410 gone")
    ComponentFactory(status="major_outage")

    text = _text(console)

    assert "status is 503" in text
    assert "Orders fail" in text
    assert "410 gone" in text
    assert "1 of 1 components not operational" in text


def test_the_worst_incident_comes_first(console: Client):
    IncidentFactory(name="Small thing", impact_override="minor")
    IncidentFactory(name="Everything burns", impact_override="critical")
    IncidentFactory(name="A rumour", impact_override="none")

    text = _text(console)

    places = [text.index(name) for name in ("Everything burns", "Small thing", "A rumour")]
    assert places == sorted(places)


def test_a_certificate_that_ends_soon_is_told_once(console: Client):
    monitor = MonitorFactory(name="Shop")
    for _ in range(2):
        schedule = ScheduleFactory(monitor=monitor)
        Certificate.objects.create(
            schedule=schedule,
            host="shop.example",
            expires_at=timezone.now() + timedelta(days=5, hours=1),
        )

    text = _text(console)

    assert text.count("shop.example") == 1
    assert "ends in 5 days" in text


def test_nothing_foreign_is_on_it():
    member = MembershipFactory(role="viewer")
    OutageFactory(monitor=MonitorFactory(name="Foreign monitor"))
    OutageFactory(monitor=MonitorFactory(name="Own monitor", workspace=member.workspace))
    IncidentFactory(name="Foreign incident")
    Certificate.objects.create(
        schedule=ScheduleFactory(),
        host="foreign.example",
        expires_at=timezone.now() + timedelta(days=1),
    )
    client = Client()
    client.force_login(member.user)

    text = _text(client)

    assert "Own monitor" in text
    assert "Foreign" not in text
    assert "foreign.example" not in text


def test_an_incident_of_a_page_that_the_person_does_not_see_has_no_name_there():
    member = MembershipFactory(role="viewer")
    incident = IncidentFactory(name="Secret incident")
    monitor = MonitorFactory(workspace=member.workspace)
    place = ConnectorPageFactory(connector=Connector.objects.get(provider="native"))
    DeliveryStreamFactory(
        component=None,
        page=place,
        key="incident:of:one",
        kind="incident",
        rule=IncidentRuleFactory(integration__monitor=monitor, integration__page=place),
        remote_id=incident.public_id,
        abandoned_at=NOW,
    )
    client = Client()
    client.force_login(member.user)

    before = _text(client)
    PageMembershipFactory(user=member.user, page=incident.page)
    after = _text(client)

    assert "Left to you" in before
    assert "Secret incident" not in before
    assert "Secret incident" in after


def test_of_what_a_person_does_not_see_nothing_is_said():
    OutageFactory(monitor=MonitorFactory(name="Foreign monitor"))
    client = Client()
    client.force_login(PageMembershipFactory(role="viewer").user)

    text = _text(client)

    assert "every incident is resolved" in text.lower()
    assert "monitor is failing" not in text.lower()
    assert "certificate ends" not in text


def test_of_many_only_the_first_are_shown(console: Client):
    for number in range(12):
        IntegrationFactory(nickname=f"Broken {number:02}", monitor__archived_at=NOW)
        OutageFactory(reason="status is 503")
        Publication.objects.create(
            page=PageFactory(), requested_seq=2, published_seq=1, requested_at=NOW
        )

    text = _text(console)

    assert text.count("Broken ") == 10
    assert text.count("status is 503") == 10
    assert text.count("shows an old state") == 3
    assert "Other pages show an old state too" in text


def test_how_the_platform_keeps_time_is_drawn_and_a_table(console: Client):
    began = timezone.now() - timedelta(minutes=5)
    engine = Pulse()
    for late_ms in (3, 3, 3, 250):
        engine.note(due_at=began, started_at=began + timedelta(milliseconds=late_ms))
    engine.write()

    text = _text(console)

    assert "3 ms / 25" in text  # The histogram knows 250 ms to 1.6 %.
    assert 'role="img" aria-label="Runs in each of the last 60 minutes' in text
    assert "The last hour as a table" in text


def test_an_old_page_is_noticed_with_advice(console: Client):
    now = timezone.now()
    Publication.objects.create(
        page=PageFactory(name="Acme"),
        requested_seq=2,
        published_seq=1,
        requested_at=now - timedelta(minutes=10),
        last_error="disk is full",
    )

    text = _text(console)

    assert "The page Acme shows an old state" in text
    assert "disk is full" in text


def test_a_late_scheduler_is_noticed(console: Client):
    ScheduleFactory(next_run_at=timezone.now() - timedelta(minutes=5))

    assert "Monitors run late" in _text(console)


def test_queries_of_the_overview_do_not_grow(console: Client, django_assert_max_num_queries):
    OutageFactory()
    IncidentFactory()
    DeliveryFactory(state=Delivery.State.DEAD)
    ComponentFactory()
    _text(console)
    with django_assert_max_num_queries(45) as few:
        _text(console)
    for _ in range(5):
        OutageFactory()
        IncidentFactory()
        DeliveryFactory(state=Delivery.State.DEAD)
        ComponentFactory()

    with django_assert_max_num_queries(len(few)):
        _text(console)


def test_only_the_console_may_evaluate_scripts(console: Client):
    inside = console.get(reverse("admin:index")).headers[HEADER]
    outside = console.get("/nothing-here").headers[HEADER]

    assert "script-src 'self' 'unsafe-eval'" in inside
    assert "unsafe" not in outside
    assert "default-src 'self'" in outside


def test_the_schedulers_own_tables_are_nobodys_to_edit(console: Client):
    assert console.get("/admin/django_celery_beat/periodictask/").status_code == 404
