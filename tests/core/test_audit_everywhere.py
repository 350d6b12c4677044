"""Every change that a person makes leaves one trace that tells who, what and when, and no secret."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date, time, timedelta
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import TOTP

import apps
from apps.accounts import factors, sessions, tokens
from apps.accounts import services as accounts
from apps.accounts.sso import people
from apps.accounts.sso.mapping import Roles
from apps.api.tokens import issue_token
from apps.core.actors import AUTOMATION, Actor
from apps.core.models import AuditEvent
from apps.incidents import services as incidents
from apps.incidents.models import Draft
from apps.incidents.services import PastUpdate
from apps.integrations import providers
from apps.integrations import services as integrations
from apps.integrations.definition import ConnectorDefinition, IncidentDefinition
from apps.integrations.definition import IntegrationDefinition as Bridge
from apps.integrations.mirror import native_connector
from apps.integrations.models import ConnectorPage
from apps.monitors import services as monitors
from apps.monitors.checkers.spec import AuthSpec, RequestSpec
from apps.monitors.definition import MonitorDefinition
from apps.monitors.models import Location
from apps.pages import services as pages
from apps.pages.services.tokens import limit_token
from tests.factories import (
    NOW,
    PERSON,
    TOKEN,
    ComponentFactory,
    ComponentGroupFactory,
    ConnectorFactory,
    DeliveryFactory,
    DeliveryStreamFactory,
    IncidentFactory,
    IncidentTemplateFactory,
    IncidentUpdateFactory,
    LocationFactory,
    LoginSessionFactory,
    MetricFactory,
    PageFactory,
    PostmortemFactory,
    UserFactory,
    WorkspaceFactory,
)

pytestmark = pytest.mark.django_db

SECRETS = ("hunter2", "t0p-s3cret", "k3y-of-api")
BY: dict[str, Any] = {"actor": PERSON, "at": NOW}


@pytest.fixture(autouse=True)
def _toy_provider():
    providers.register("toy", "tests.integrations.toy.ToyProvider")
    yield
    providers.unregister("toy")


def the_person():
    """Return PERSON as a superuser: who changes members is looked up."""
    return UserFactory(public_id=PERSON.key, admin=True)


def a_definition(**fields):
    request = RequestSpec(
        name="Log in",
        url="http://target.test/",
        auth=AuthSpec(type="basic", username="robin", password=SECRETS[0]),
    )
    return MonitorDefinition(
        workspace_id=WorkspaceFactory().pk,
        name="Check",
        requests=(request,),
        secret_variables={"pin": SECRETS[1]},
        **fields,
    )


def a_monitor(**fields):
    return monitors.create_monitor(definition=a_definition(**fields), actor=AUTOMATION, at=NOW)


def a_bridge():
    page = pages.create_page(name="Acme", slug="acme", actor=AUTOMATION, at=NOW)
    monitor = a_monitor()
    mirrored = ConnectorPage.objects.get(remote_id=page.public_id)
    return Bridge(
        nickname="Bridge",
        workspace_id=monitor.workspace_id,
        monitor_id=monitor.pk,
        connector_id=native_connector().pk,
        page_id=mirrored.pk,
        create_incident=IncidentDefinition(name="Trouble"),
    )


def an_integration():
    definition = a_bridge()
    made = integrations.create_integration(definition=definition, actor=AUTOMATION, at=NOW)
    return made, definition


def update_monitor():
    monitor = a_monitor()
    changed = replace(
        a_definition(),
        workspace_id=monitor.workspace_id,
        name="Other",
        secret_variables={"pin": SECRETS[2]},
    )
    monitors.update_monitor(monitor_id=monitor.pk, definition=changed, **BY)


def update_integration():
    made, definition = an_integration()
    integrations.update_integration(
        integration_id=made.pk, definition=replace(definition, nickname="Other"), **BY
    )


def a_connector(name):
    settings = {"api_key": SECRETS[2], "base_url": "http://127.0.0.1:9/"}
    return ConnectorDefinition(name, "toy", settings)


def update_connector():
    connector = ConnectorFactory(api_key=SECRETS[0], base_url="http://127.0.0.1:9/")
    integrations.update_connector(connector_id=connector.pk, definition=a_connector("Other"), **BY)


def reorder():
    first, second = ComponentFactory.create_batch(2, page=PageFactory())
    pages.reorder(page_id=first.page.pk, public_ids=[second.public_id, first.public_id], **BY)


def arrange_page():
    first, second = ComponentFactory.create_batch(2, page=PageFactory())
    placed = [pages.Placed(second.public_id), pages.Placed(first.public_id)]
    pages.arrange_page(page_id=first.page.pk, entries=placed, **BY)


def a_maintenance(actor=AUTOMATION):
    made, _ = incidents.create_maintenance(
        page_id=PageFactory().pk,
        name="Upgrade",
        scheduled_for=NOW + timedelta(days=1),
        scheduled_until=NOW + timedelta(days=2),
        actor=actor,
        at=NOW,
    )
    AuditEvent.objects.filter(actor_kind="automation").delete()
    return made


def resolved_incident():
    return IncidentFactory(status="resolved", resolved_at=NOW)


def a_draft():
    return PostmortemFactory(incident=resolved_incident(), draft="Learnt.").incident_id


def a_published_postmortem():
    return PostmortemFactory(incident=resolved_incident(), published=True).incident_id


def merge():
    page = PageFactory()
    one, other = IncidentFactory.create_batch(2, page=page)
    incidents.merge_incidents(incident_id=one.pk, into_id=other.pk, **BY)


def tell_past():
    incidents.tell_past_incident(
        page_id=PageFactory().pk,
        name="Trouble",
        updates=[PastUpdate("resolved", "It was over soon.", NOW - timedelta(hours=1))],
        **BY,
    )


def correct(actor=PERSON):
    return pages.correct_period(
        component_id=ComponentFactory(created_at=NOW - timedelta(days=2)).pk,
        started_at=NOW - timedelta(hours=2),
        ended_at=NOW - timedelta(hours=1),
        status="operational",
        reason="The probe was at fault.",
        actor=actor,
        at=NOW,
    )


def revoke():
    correction = correct()
    AuditEvent.objects.all().delete()
    pages.revoke_correction(correction_id=correction.pk, **BY)


def a_post(**fields):
    incident = IncidentFactory()
    return {
        "page_id": incident.page_id,
        "kind": "post_update",
        "incident_id": incident.pk,
        "asked": {"status": "identified", "message": "News."},
        **fields,
    }


def a_kept_draft(state="draft"):
    draft = incidents.keep_draft(**a_post(), **BY)
    Draft.objects.update(state=state)
    AuditEvent.objects.all().delete()
    return draft.pk


STRANGER = people.Person("https://id.example.com", "s-1", username="mira")


def with_an_app():
    user = UserFactory()
    TOTP.activate(user, "JBSWY3DPEHPK3PXP")
    return user.pk


def turned_away():
    roles = Roles(is_superuser=True)
    people.let_in(person=STRANGER, roles=roles, **BY)
    AuditEvent.objects.all().delete()
    people.turn_away(issuer=STRANGER.issuer, subject=STRANGER.subject, **BY)


def a_token(make=tokens.create_token, actor=AUTOMATION, **more):
    token, key = make(
        user=UserFactory(), name="Deploys", limits=tokens.TokenLimits(), actor=actor, at=NOW, **more
    )
    assert key not in json.dumps(list(AuditEvent.objects.values("changes", "object_label")))
    AuditEvent.objects.filter(actor_kind="automation").delete()
    return token


def a_series(actor=AUTOMATION):
    return incidents.create_series(
        page_id=PageFactory().pk,
        name="Upgrades",
        rule="FREQ=YEARLY",
        first_date=date(2027, 1, 1),
        start_time=time(2),
        actor=actor,
        at=NOW,
    )


# Every service that takes an actor, and one call of it that changes something.
CALLS: dict[str, Callable[[], Any]] = {
    "accounts.create_workspace": lambda: accounts.create_workspace(name="Team", **BY),
    "accounts.update_workspace": lambda: accounts.update_workspace(
        workspace_id=WorkspaceFactory().pk, name="Other", **BY
    ),
    "accounts.archive_workspace": lambda: accounts.archive_workspace(
        workspace_id=WorkspaceFactory().pk, **BY
    ),
    "accounts.set_members": lambda: accounts.set_members(
        workspace_id=WorkspaceFactory().pk, roles={the_person().pk: "admin"}, **BY
    ),
    "accounts.end_session": lambda: sessions.end_session(
        user_id=(one := LoginSessionFactory()).user_id, session_id=one.pk, **BY
    ),
    "accounts.end_sessions": lambda: sessions.end_sessions(
        user_id=LoginSessionFactory().user_id, **BY
    ),
    "accounts.reset_factors": lambda: factors.reset_factors(user_id=with_an_app(), **BY),
    "accounts.let_in": lambda: people.let_in(person=STRANGER, roles=Roles(), **BY),
    "accounts.turn_away": turned_away,
    "accounts.create_token": lambda: a_token(actor=PERSON),
    "accounts.revoke_token": lambda: tokens.revoke_token(token_id=a_token().pk, **BY),
    "api.issue_token": lambda: a_token(issue_token, actor=PERSON, pages=[PageFactory()]),
    "pages.limit_token": lambda: limit_token(token=a_token(), pages=[PageFactory()], **BY),
    "pages.create_page": lambda: pages.create_page(name="Acme", slug="acme", **BY),
    "pages.update_page": lambda: pages.update_page(page_id=PageFactory().pk, name="Other", **BY),
    "pages.archive_page": lambda: pages.archive_page(page_id=PageFactory().pk, **BY),
    "pages.set_page_members": lambda: pages.set_page_members(
        page_id=PageFactory().pk, roles={the_person().pk: "admin"}, **BY
    ),
    "pages.create_group": lambda: pages.create_group(
        page_id=PageFactory().pk, name="Regions", **BY
    ),
    "pages.update_group": lambda: pages.update_group(
        group_id=ComponentGroupFactory().pk, name="Other", **BY
    ),
    "pages.archive_group": lambda: pages.archive_group(group_id=ComponentGroupFactory().pk, **BY),
    "pages.create_component": lambda: pages.create_component(page_id=None, name="API", **BY),
    "pages.update_component": lambda: pages.update_component(
        component_id=ComponentFactory().pk, hidden=True, **BY
    ),
    "pages.archive_component": lambda: pages.archive_component(
        component_id=ComponentFactory().pk, **BY
    ),
    "pages.create_metric": lambda: pages.create_metric(
        page_id=PageFactory().pk, name="Latency", **BY
    ),
    "pages.update_metric": lambda: pages.update_metric(
        metric_id=MetricFactory().pk, unit="s", **BY
    ),
    "pages.archive_metric": lambda: pages.archive_metric(metric_id=MetricFactory().pk, **BY),
    "pages.reorder": reorder,
    "pages.arrange_page": arrange_page,
    "pages.correct_period": correct,
    "pages.revoke_correction": revoke,
    "pages.set_staff_status": lambda: pages.set_staff_status(
        component_id=ComponentFactory().pk, status="major_outage", **BY
    ),
    "incidents.create_maintenance": lambda: a_maintenance(actor=PERSON),
    "incidents.post_maintenance_update": lambda: incidents.post_maintenance_update(
        maintenance_id=a_maintenance().pk, status="in_progress", **BY
    ),
    "incidents.edit_maintenance_update": lambda: incidents.edit_maintenance_update(
        update_id=a_maintenance().updates.get().pk, body="Better said.", **BY
    ),
    "incidents.edit_maintenance": lambda: incidents.edit_maintenance(
        maintenance_id=a_maintenance().pk, name="Other", **BY
    ),
    "incidents.reschedule_maintenance": lambda: incidents.reschedule_maintenance(
        maintenance_id=a_maintenance().pk, scheduled_until=NOW + timedelta(days=3), **BY
    ),
    "incidents.cancel_maintenance": lambda: incidents.cancel_maintenance(
        maintenance_id=a_maintenance().pk, **BY
    ),
    "incidents.archive_maintenance": lambda: incidents.archive_maintenance(
        maintenance_id=a_maintenance().pk, **BY
    ),
    "incidents.create_series": lambda: a_series(actor=PERSON),
    "incidents.update_series": lambda: incidents.update_series(
        series_id=a_series().pk, name="Other", **BY
    ),
    "incidents.archive_series": lambda: incidents.archive_series(
        series_id=a_series().pk, cancel_announced=True, **BY
    ),
    "incidents.create_template": lambda: incidents.create_template(
        page_id=PageFactory().pk, name="Usual", **BY
    ),
    "incidents.update_template": lambda: incidents.update_template(
        template_id=IncidentTemplateFactory().pk, name="Other", **BY
    ),
    "incidents.archive_template": lambda: incidents.archive_template(
        template_id=IncidentTemplateFactory().pk, **BY
    ),
    "incidents.save_postmortem": lambda: incidents.save_postmortem(
        incident_id=resolved_incident().pk, body="Learnt.", **BY
    ),
    "incidents.publish_postmortem": lambda: incidents.publish_postmortem(
        incident_id=a_draft(), **BY
    ),
    "incidents.revert_postmortem": lambda: incidents.revert_postmortem(
        incident_id=a_published_postmortem(), **BY
    ),
    "incidents.delete_postmortem": lambda: incidents.delete_postmortem(incident_id=a_draft(), **BY),
    "incidents.merge_incidents": merge,
    "incidents.tell_past_incident": tell_past,
    "incidents.edit_update": lambda: incidents.edit_update(
        update_id=IncidentUpdateFactory().pk, body="Better said.", **BY
    ),
    "incidents.keep_draft": lambda: incidents.keep_draft(**a_post(), **BY),
    "incidents.edit_draft": lambda: incidents.edit_draft(
        draft_id=a_kept_draft(), asked={"status": "resolved", "message": "Over."}, **BY
    ),
    "incidents.hand_over_draft": lambda: incidents.hand_over_draft(draft_id=a_kept_draft(), **BY),
    "incidents.post_draft": lambda: incidents.post_draft(draft_id=a_kept_draft(), **BY),
    "incidents.override_approval": lambda: incidents.override_approval(
        draft_id=a_kept_draft(), reason="Nobody is awake.", **BY
    ),
    "incidents.send_back_draft": lambda: incidents.send_back_draft(
        draft_id=a_kept_draft("waiting"), note="Say since when.", **BY
    ),
    "incidents.discard_draft": lambda: incidents.discard_draft(draft_id=a_kept_draft(), **BY),
    "incidents.submit_draft": lambda: incidents.submit_draft(
        draft_id=a_kept_draft(), asked={"status": "resolved", "message": "Over."}, **BY
    ),
    "incidents.submit_post": lambda: incidents.submit_post(**a_post(), **BY),
    "incidents.open_incident": lambda: incidents.open_incident(
        page_id=PageFactory().pk, name="Trouble", status="investigating", message="", **BY
    ),
    "incidents.post_update": lambda: incidents.post_update(
        incident_id=IncidentFactory().pk, status="resolved", message="", **BY
    ),
    "incidents.edit_incident": lambda: incidents.edit_incident(
        incident_id=IncidentFactory().pk, name="Other", **BY
    ),
    "incidents.take_over": lambda: incidents.take_over(
        incident_id=IncidentFactory(automated=True).pk, **BY
    ),
    "incidents.archive_incident": lambda: incidents.archive_incident(
        incident_id=IncidentFactory().pk, **BY
    ),
    "monitors.create_monitor": lambda: monitors.create_monitor(definition=a_definition(), **BY),
    "monitors.update_monitor": update_monitor,
    "monitors.pause_monitor": lambda: monitors.pause_monitor(monitor_id=a_monitor().pk, **BY),
    "monitors.resume_monitor": lambda: monitors.resume_monitor(
        monitor_id=a_monitor(enabled=False).pk, **BY
    ),
    "monitors.archive_monitor": lambda: monitors.archive_monitor(monitor_id=a_monitor().pk, **BY),
    "monitors.run_now": lambda: monitors.run_now(monitor_id=a_monitor().pk, **BY),
    "monitors.pause_monitors": lambda: monitors.pause_monitors(monitor_ids=[a_monitor().pk], **BY),
    "monitors.resume_monitors": lambda: monitors.resume_monitors(
        monitor_ids=[a_monitor(enabled=False).pk], **BY
    ),
    "monitors.run_monitors_now": lambda: monitors.run_monitors_now(
        monitor_ids=[a_monitor().pk], **BY
    ),
    "monitors.tag_monitors": lambda: monitors.tag_monitors(
        monitor_ids=[a_monitor().pk], tag="shop", **BY
    ),
    "monitors.untag_monitors": lambda: monitors.untag_monitors(
        monitor_ids=[a_monitor(tags=("shop",)).pk], tag="shop", **BY
    ),
    "monitors.note_trial": lambda: monitors.note_trial(
        monitor_id=a_monitor().pk, requests=a_definition().requests, **BY
    ),
    "monitors.create_location": lambda: monitors.create_location(code="eu", name="Europe", **BY),
    "monitors.update_location": lambda: monitors.update_location(
        location_id=LocationFactory().pk, name="Other", **BY
    ),
    "monitors.archive_location": lambda: monitors.archive_location(
        location_id=LocationFactory().pk, **BY
    ),
    "integrations.create_connector": lambda: integrations.create_connector(
        definition=a_connector("Elsewhere"), **BY
    ),
    "integrations.update_connector": update_connector,
    "integrations.archive_connector": lambda: integrations.archive_connector(
        connector_id=ConnectorFactory().pk, **BY
    ),
    "integrations.create_integration": lambda: integrations.create_integration(
        definition=a_bridge(), **BY
    ),
    "integrations.update_integration": update_integration,
    "integrations.set_enabled": lambda: integrations.set_enabled(
        integration_id=an_integration()[0].pk, enabled=False, **BY
    ),
    "integrations.archive_integration": lambda: integrations.archive_integration(
        integration_id=an_integration()[0].pk, **BY
    ),
    "integrations.replay_delivery": lambda: integrations.replay_delivery(
        delivery_id=DeliveryFactory(
            state="done", sequence=1, stream=DeliveryStreamFactory(last_sequence=1)
        ).pk,
        **BY,
    ),
}

# What no person calls: parts of other services, which leave the trace.
PARTS = {
    "accounts.replace_members",
    "accounts.set_roles",
    "pages.apply_contributions",
    "monitors.settle_outages",
}

APPS = ("accounts", "pages", "incidents", "monitors", "integrations")
# Rooms of services beside an app's `services`.
BESIDE = (
    ("accounts", "sessions"),
    ("accounts", "factors"),
    ("accounts", "sso.people"),
    ("accounts", "tokens"),
    ("api", "tokens"),
    ("pages", "services.tokens"),
)
# Rooms with what takes an actor and is no service: what services are made of, what follows from one, and callers.
OTHERS = {
    "accounts.members",
    "accounts.sso.roles",
    "configuration.services",
    "core.audit",
    "core.editing",
    "core.origins",
    "integrations.receivers",
    "monitors.receivers",
    "pages.admin.writing",
    "pages.receivers",
}


def services_with_an_actor():
    for app, room in (*((app, "services") for app in APPS), *BESIDE):
        module = importlib.import_module(f"apps.{app}.{room}")
        public = getattr(module, "__all__", None) or [
            name
            for name, value in vars(module).items()
            if inspect.isfunction(value) and not name.startswith("_")
        ]
        for name in public:
            value = getattr(module, name)
            local = value.__module__.startswith(f"apps.{app}.") if callable(value) else False
            if (
                local
                and inspect.isfunction(value)
                and "actor" in inspect.signature(value).parameters
            ):
                yield f"{app}.{name}"


def test_the_table_names_every_service_that_takes_an_actor():
    assert set(services_with_an_actor()) - PARTS == set(CALLS)


def test_no_service_hides_in_a_room_that_the_table_does_not_know():
    rooms = {
        found.name.removeprefix("apps.")
        for found in pkgutil.walk_packages(apps.__path__, "apps.")
        if ".migrations" not in found.name and _takes_actors(importlib.import_module(found.name))
    }

    known = {f"{app}.{room}" for app, room in BESIDE} | OTHERS
    assert {room for room in rooms if room.split(".")[1:2] != ["services"]} <= known


def _takes_actors(module):
    return any(
        value.__module__ == module.__name__ and "actor" in inspect.signature(value).parameters
        for name, value in vars(module).items()
        if inspect.isfunction(value) and not name.startswith("_")
    )


@pytest.mark.parametrize("name", CALLS)
def test_a_persons_change_leaves_its_trace_without_a_secret(name):
    Location.objects.get(code=Location.DEFAULT_CODE)

    CALLS[name]()

    events = list(AuditEvent.objects.all())
    assert events
    for event in events:
        assert (event.actor_kind, event.actor_key, event.at) == ("person", PERSON.key, NOW)
        assert event.action
        assert event.object_id
        kept = json.dumps([event.changes, event.object_label, event.action])
        assert not any(secret in kept for secret in SECRETS)


@pytest.mark.parametrize("actor", [TOKEN, Actor("command", "apply", "manage.py apply")])
def test_tokens_and_commands_leave_theirs_too(actor):
    accounts.create_workspace(name="Team", actor=actor, at=NOW)

    event = AuditEvent.objects.get()
    assert (event.actor_kind, event.actor_key, event.actor_label) == (
        actor.kind,
        actor.key,
        actor.label,
    )
