"""Logging in with a password: the form, its limits, and what the audit trail keeps."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from django.core.cache import cache
from django.test import Client

from apps.accounts.login.events import note_failure
from apps.core.models import AuditEvent
from tests.accounts.logging_in import PASSWORD, log_in
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def actions():
    return list(AuditEvent.objects.order_by("id").values_list("action", flat=True))


def test_the_consoles_own_login_leads_to_the_form(client, ann):
    answer = client.get("/admin/monitors/monitor/", follow=True)

    assert answer.redirect_chain[-1][0] == ("/account/login/?next=%2Fadmin%2Fmonitors%2Fmonitor%2F")
    assert 'name="username"' in answer.text


def test_a_password_logs_in_to_where_the_person_wanted(client, ann):
    answer = log_in(client, next="/admin/monitors/monitor/")

    assert answer.url == "/admin/monitors/monitor/"
    assert client.get("/admin/").status_code == 200
    event = AuditEvent.objects.get(action="account.logged_in")
    assert (event.actor_key, event.object_id) == (ann.public_id, ann.public_id)


def test_the_consoles_menu_leads_to_ones_account(client, ann):
    log_in(client)

    assert 'href="/account/"' in client.get("/admin/").text
    assert client.get("/admin/password_change/").url == "/account/password/"


def test_nobody_is_led_elsewhere_after_logging_in(client, ann):
    assert log_in(client, next="https://evil.example/").url == "/admin/"


@pytest.mark.parametrize(
    ("username", "password"), [("ann", "wrong"), ("nobody", PASSWORD), ("", "")]
)
def test_a_wrong_log_in_is_refused_in_the_same_words(client, ann, username, password):
    answer = log_in(client, username, password)

    assert answer.status_code == 200
    assert client.get("/admin/").status_code == 302
    if username:
        assert "This username and password do not belong together." in answer.text


def test_a_password_alone_is_not_enough_for_who_is_not_staff(client, ann):
    ann.is_staff = False
    ann.save()

    answer = log_in(client)

    assert answer.status_code == 403
    assert "has no access yet" in answer.text
    assert "_auth_user_id" not in client.session


def test_who_stops_being_staff_is_told_so_and_led_in_no_circle(client, ann):
    log_in(client)
    ann.is_staff = False
    ann.save()

    answer = client.get("/admin/", follow=True)

    assert answer.status_code == 403
    assert "You may not do this" in answer.text


def test_who_is_deactivated_cannot_log_in(client, ann):
    ann.is_active = False
    ann.save()

    answer = log_in(client)

    # In the same words as a wrong password: nobody learns who is deactivated.
    assert "_auth_user_id" not in client.session
    assert "do not belong together" in answer.text or answer.url == "/account/inactive/"


def test_nobody_signs_up_by_themselves(client, db):
    assert client.get("/account/signup/").status_code == 404


def test_logging_out_takes_a_post(client, ann):
    log_in(client)

    assert "Log out?" in client.get("/admin/logout/").text
    assert client.get("/admin/").status_code == 200
    client.post("/admin/logout/")

    assert client.get("/admin/").status_code == 302
    assert actions()[-1] == "account.logged_out"


def test_a_name_is_closed_for_a_while_after_five_wrong_passwords(browser_of, ann):
    for number in range(5):
        log_in(browser_of(f"192.0.2.{number}"), password="wrong")

    answer = log_in(browser_of("192.0.2.99"))

    assert "Too many failed log-ins" in answer.text


def test_naming_another_host_gives_no_further_tries(ann, browser_of):
    for host in ("testserver", "localhost", "status.test", "127.0.0.1", "a.localhost"):
        browser_of().post(
            "/account/login/", {"username": "ann", "password": "x"}, headers={"host": host}
        )

    assert "Too many failed log-ins" in log_in(browser_of()).text


def test_an_address_is_closed_after_wrong_passwords_for_many_names(browser_of, ann):
    for number in range(30):
        log_in(browser_of(), f"name{number}", "wrong")

    assert "Too many failed log-ins" in log_in(browser_of()).text
    assert log_in(browser_of("198.51.100.7")).status_code == 302


def test_right_passwords_use_up_nothing(browser_of, ann):
    for _ in range(8):
        assert log_in(browser_of()).status_code == 302


@pytest.mark.parametrize(("trusted", "closed"), [(False, True), (True, False)])
def test_a_forwarded_address_counts_behind_a_trusted_proxy_only(
    settings, browser_of, ann, trusted, closed
):
    settings.TRUST_PROXY = trusted
    for number in range(30):
        client = browser_of("10.0.0.1")
        form = {"username": f"name{number}", "password": "wrong"}
        client.post("/account/login/", form, headers={"x-forwarded-for": f"192.0.2.{number}"})

    answer = browser_of("10.0.0.1").post(
        "/account/login/",
        {"username": "ann", "password": PASSWORD},
        headers={"x-forwarded-for": "203.0.113.9"},
    )

    assert ("Too many failed log-ins" in answer.text) is closed


def test_failures_do_not_flood_the_audit_trail(browser_of, ann):
    for number in range(8):
        log_in(browser_of(f"192.0.2.{number}"), password="wrong")
        log_in(browser_of(f"192.0.2.{number}"), f"my password {number}", "wrong")

    event = AuditEvent.objects.get()
    assert (event.action, event.changes) == ("account.login_failed", {"from": ["", "192.0.2.0"]})


def test_another_persons_failure_is_told_beside(ann):
    other = UserFactory()
    at = datetime(2026, 3, 1, tzinfo=UTC)

    told = [note_failure(username=name, address="", at=at) for name in ("ann", "ann")]
    told.append(note_failure(username=other.username.upper(), address="", at=at))

    assert told == [True, False, True]


def test_the_pages_obey_the_strict_policy(client, ann):
    for path in ("/account/login/", "/account/"):
        answer = client.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        log_in(client)
    page = client.get("/account/").text
    assert not re.search(r"<script(?![^>]*(src=|json))|\son\w+=|\sstyle=", page)


def test_a_new_cache_object_still_knows_the_failures(ann, browser_of):
    for _ in range(5):
        log_in(browser_of(), password="wrong")
    cache.close()

    assert "Too many failed log-ins" in log_in(Client(REMOTE_ADDR="203.0.113.1")).text
