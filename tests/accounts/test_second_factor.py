"""Second factors: at log-in, required per session, set up, taken off; their secrets at rest."""

from __future__ import annotations

import json
import re

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command
from django.test import Client

from apps.core.models import AuditEvent
from tests.accounts.logging_in import PASSWORD, SECRET, code_of, give_app, log_in
from tests.factories import MonitorFactory

pytestmark = pytest.mark.django_db

STEP = "/account/login/second-factor/"
PLACES = [
    "/admin/",
    "/admin/monitors/monitor/",
    "/admin/monitors/monitor/{monitor}/change/",
    "/admin/autocomplete/?app_label=integrations&model_name=integration&field_name=monitor",
    "/admin/jsi18n/",
    "/admin/nothing/here/",
    "/admin/search/?s=x",
]


@pytest.fixture
def with_app(ann):
    give_app(ann)
    return ann


def session_of(person, **extra):
    """A browser that is logged in without the form: with no second factor."""
    client = Client(**extra)
    client.force_login(person)
    return client


def set_up_app(client):
    """Set up an app as a person does; return the page after it. In real transactions: what follows waits for their end."""
    confirm = client.get("/account/second-factors/app/add/", follow=True)
    if "Confirm that it is you" in confirm.text:
        url = confirm.redirect_chain[-1][0]
        client.post(url, {"password": PASSWORD})
    page = client.get("/account/second-factors/app/add/").text
    secret = re.search(r'id="secret">([A-Z2-7]+)<', page)[1]
    return client.post("/account/second-factors/app/add/", {"code": code_of(secret)}, follow=True)


def test_who_has_an_app_is_asked_for_its_code(client, with_app):
    answer = log_in(client, next="/admin/monitors/monitor/")

    assert answer.url == STEP
    assert client.get("/admin/").status_code == 302
    answer = client.post(STEP, {"code": code_of()})
    assert answer.url == "/admin/monitors/monitor/"
    assert client.get("/admin/").status_code == 200
    event = AuditEvent.objects.get(action="account.logged_in")
    assert event.changes == {"second factor": ["", "yes"]}


def test_a_wrong_code_is_refused_and_told_once(client, with_app):
    log_in(client)

    for _ in range(2):
        answer = client.post(STEP, {"code": "000000"})
        assert "This is not the right code." in answer.text

    assert client.get("/admin/").status_code == 302
    assert AuditEvent.objects.filter(action="account.login_failed").count() == 1


def test_codes_cannot_be_guessed_without_end(client, with_app):
    log_in(client)
    for _ in range(5):
        client.post(STEP, {"code": "000000"})

    answer = client.post(STEP, {"code": code_of()})

    assert "Too many failed log-ins" in answer.text


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_a_clock_may_be_half_a_minute_off(client, with_app, steps):
    log_in(client)

    assert client.post(STEP, {"code": code_of(steps=steps)}).status_code == 302


def test_a_code_is_good_once(with_app):
    first, second = Client(), Client()
    log_in(first)
    log_in(second)
    code = code_of()
    assert first.post(STEP, {"code": code}).status_code == 302

    answer = second.post(STEP, {"code": code})

    assert answer.status_code == 200
    assert second.get("/admin/").status_code == 302


@pytest.mark.django_db(transaction=True)
def test_a_recovery_code_logs_in_once(client, ann):
    log_in(client)
    page = set_up_app(client).text
    (code, *others) = re.findall(r"<li>(\d{8})</li>", page)
    assert len(others) == 9

    for browser, expected in ((Client(), 302), (Client(), 200)):
        log_in(browser)
        assert browser.post(STEP, {"code": code}).status_code == expected


@pytest.mark.django_db(transaction=True)
def test_setting_one_up_counts_as_using_it_and_throws_out_other_sessions(client, settings, ann):
    settings.REQUIRE_SECOND_FACTOR = True
    other = session_of(ann)
    log_in(client)

    set_up_app(client)

    assert client.get("/admin/").status_code == 200
    assert other.get("/admin/").url.startswith("/admin/login/")
    actions = set(AuditEvent.objects.values_list("action", flat=True))
    assert actions >= {"account.factor_added", "account.sessions_ended"}


@pytest.mark.parametrize("place", PLACES)
def test_where_it_is_required_nothing_opens_without_one(settings, ann, place):
    settings.REQUIRE_SECOND_FACTOR = True
    client = session_of(ann)
    path = place.format(monitor=MonitorFactory().pk)

    answer = client.get(path)

    assert answer.status_code == 302
    assert answer.url.startswith("/account/second-factors/?next=")


@pytest.mark.parametrize("place", PLACES)
def test_what_the_person_has_elsewhere_does_not_count_for_a_session(settings, with_app, place):
    settings.REQUIRE_SECOND_FACTOR = True
    client = session_of(with_app)
    path = place.format(monitor=MonitorFactory().pk)

    answer = client.get(path)
    assert answer.url.startswith("/account/confirm/second-factor/?next=")
    after = client.post(answer.url, {"code": code_of()})

    assert after.url == path
    assert client.get("/admin/").status_code == 200


def test_programs_are_told_in_json(settings, ann):
    settings.REQUIRE_SECOND_FACTOR = True

    answer = session_of(ann).get(PLACES[3], headers={"accept": "application/json"})

    assert answer.status_code == 403
    assert answer.json()["code"] == "second_factor_required"


def test_posts_are_turned_away_too(settings, ann):
    settings.REQUIRE_SECOND_FACTOR = True
    monitor = MonitorFactory()

    answer = session_of(ann).post(f"/admin/monitors/monitor/{monitor.pk}/pause/")

    monitor.refresh_from_db()
    assert (answer.status_code, answer.url) == (302, "/account/second-factors/")
    assert monitor.enabled


def test_out_and_the_ways_to_set_one_up_stay_open(settings, ann):
    settings.REQUIRE_SECOND_FACTOR = True
    client = session_of(ann)

    assert client.get("/account/second-factors/").status_code == 200
    assert client.get("/account/").status_code == 302
    assert client.post("/account/logout/").status_code == 302
    assert "_auth_user_id" not in client.session


def test_a_session_without_the_factor_cannot_take_it_off(with_app):
    client = session_of(with_app)

    for path in (
        "/account/",
        "/account/second-factors/",
        "/account/second-factors/app/remove/",
        "/account/second-factors/codes/",
        "/account/password/",
    ):
        for send in (client.get, client.post):
            answer = send(path)
            assert answer.url.startswith("/account/confirm/second-factor/"), path

    assert client.get("/account/confirm/").url.startswith("/account/confirm/second-factor/")
    assert Authenticator.objects.exists()


def test_it_is_not_required_where_nobody_says_so(ann):
    assert session_of(ann).get("/admin/").status_code == 200


def test_asking_for_it_costs_a_session_that_used_it_nothing(
    client, settings, with_app, django_assert_num_queries
):
    log_in(client)
    client.post(STEP, {"code": code_of()})
    client.get("/admin/jsi18n/")
    with django_assert_num_queries(2):  # the session and the person
        client.get("/admin/jsi18n/")
    settings.REQUIRE_SECOND_FACTOR = True

    with django_assert_num_queries(2):
        client.get("/admin/jsi18n/")


@pytest.mark.django_db(transaction=True)
def test_secrets_of_factors_are_encrypted_at_rest(client, ann):
    log_in(client)
    page = set_up_app(client).text
    codes = re.findall(r"<li>(\d{8})</li>", page)

    assert len(codes) == 10
    kept = json.dumps(list(Authenticator.objects.values_list("data", flat=True)))

    assert not any(code in kept for code in codes)
    assert kept.count("gAAAA") == 2
    assert SECRET not in kept


def test_a_command_helps_who_lost_their_phone(with_app, capsys):
    other = session_of(with_app)

    call_command("reset_factors", "ann")

    assert "Took 1 off ann" in capsys.readouterr().out
    client = Client()
    assert log_in(client).url == "/admin/"
    assert other.get("/admin/").status_code == 302
    event = AuditEvent.objects.get(action="account.factors_reset")
    assert (event.actor_kind, event.actor_key) == ("command", "reset_factors")
    with pytest.raises(CommandError, match="has no second factor"):
        call_command("reset_factors", "ann")
    with pytest.raises(CommandError, match="There is no user 'bob'"):
        call_command("reset_factors", "bob")
