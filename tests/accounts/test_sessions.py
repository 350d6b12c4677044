"""Where a person is logged in: listed, ended, and ended by what should end it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.login.devices import device_name
from apps.accounts.models import LoginSession
from apps.accounts.sessions import end_session, end_sessions, live_sessions, remove_old_sessions
from apps.core.errors import NotFound
from apps.core.models import AuditEvent
from tests.accounts.logging_in import PASSWORD, log_in
from tests.factories import NOW, PERSON, LoginSessionFactory, UserFactory

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
NEW = "a new horse battery"


def is_in(client):
    return client.get("/admin/jsi18n/").status_code == 200


@pytest.fixture
def two(browser_of, ann):
    """Two browsers of one person."""
    browsers = browser_of("192.0.2.1", FIREFOX), browser_of("192.0.2.2", "curl/8")
    for browser in browsers:
        log_in(browser)
    return browsers


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (FIREFOX, "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/130.0 Safari/537.36 Edg/130.0", "Edge on Windows"),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) Version/18.0 Safari/605",
            "Safari on macOS",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18 like Mac OS X) CriOS/130 Safari",
            "Chrome on iPhone",
        ),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/130.0 Mobile", "Chrome on Android"),
        ("curl/8.5", "curl"),
        ("Something (Linux)", "Browser on Linux"),
        ("", "Unknown browser"),
    ],
)
def test_browsers_are_told_in_words(agent, name):
    assert device_name(agent) == name


def test_the_account_lists_where_one_is_logged_in(two):
    page = two[0].get("/account/").text

    assert "Firefox on Linux" in page
    assert "192.0.2.2" in page
    assert page.count("This one") == 1
    assert page.index("This one") < page.index("192.0.2.2")


def test_one_other_session_is_ended(two):
    other = LoginSession.objects.get(address="192.0.2.2")

    two[0].post("/account/sessions/end/", {"session": other.public_id})

    assert (is_in(two[0]), is_in(two[1])) == (True, False)
    assert not Session.objects.filter(session_key=other.session_key).exists()
    assert AuditEvent.objects.filter(action="account.sessions_ended").count() == 1


def test_nobody_ends_anothers_session(two):
    strange = LoginSessionFactory(user=UserFactory())

    answer = two[0].post("/account/sessions/end/", {"session": strange.public_id}, follow=True)

    assert "over already" in answer.text
    assert LoginSession.objects.filter(pk=strange.pk).exists()


def test_all_others_are_ended(two):
    answer = two[0].post("/account/sessions/end-others/", follow=True)

    assert "Logged out of 1 other session." in answer.text
    assert (is_in(two[0]), is_in(two[1])) == (True, False)


def test_ending_takes_a_post(two):
    assert two[0].get("/account/sessions/end-others/").status_code == 405
    assert is_in(two[1])


def test_logging_out_takes_the_session_off_the_list(two, ann):
    two[0].post("/account/logout/")

    assert [one.address for one in live_sessions(ann, timezone.now())] == ["192.0.2.2"]


def test_a_new_password_logs_out_elsewhere_and_not_here(two):
    form = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}

    answer = two[0].post("/account/password/", form, follow=True)

    assert "Your password is changed." in answer.text
    assert (is_in(two[0]), is_in(two[1])) == (True, False)
    assert LoginSession.objects.get().session_key == two[0].session.session_key
    assert LoginSession.objects.get().address == "192.0.2.1"


def test_a_wrong_present_password_changes_nothing(two):
    form = {"oldpassword": "wrong", "password1": NEW, "password2": NEW}

    answer = two[0].post("/account/password/", form)

    assert "This is not your present password." in answer.text
    assert is_in(two[1])


def test_a_superuser_sees_and_ends_a_persons_sessions(two, console_root, ann):
    page = console_root.get(reverse("admin:accounts_user_change", args=[ann.pk])).text
    url = reverse("admin:accounts_user_end_sessions", args=[ann.pk])

    assert "Firefox on Linux" in page
    assert "Log ann out everywhere?" in console_root.get(url).text
    assert is_in(two[0])
    answer = console_root.post(url, follow=True)

    assert "2 sessions ended." in answer.text
    assert not is_in(two[0])
    assert not is_in(two[1])
    assert is_in(console_root)


def test_a_password_set_by_a_superuser_logs_the_person_out(two, console_root, ann):
    url = reverse("admin:auth_user_password_change", args=[ann.pk])
    form = {"password1": NEW, "password2": NEW, "usable_password": "true"}

    assert console_root.post(url, form).status_code == 302

    assert not LoginSession.objects.filter(user=ann).exists()
    assert not is_in(two[0])
    assert is_in(console_root)


def test_a_superuser_who_sets_their_own_password_stays_here(two, ann):
    url = reverse("admin:auth_user_password_change", args=[ann.pk])
    form = {"password1": NEW, "password2": NEW, "usable_password": "true"}

    assert two[0].post(url, form).status_code == 302

    assert (is_in(two[0]), is_in(two[1])) == (True, False)
    assert LoginSession.objects.get().address == "192.0.2.1"


@pytest.fixture
def console_root(db):
    client = Client()
    client.force_login(UserFactory(username="root", admin=True))
    return client


def test_a_session_of_before_the_list_is_put_on_it(client, ann):
    client.force_login(ann)
    LoginSession.objects.all().delete()
    session = client.session
    del session["login_session"]
    session.save()

    assert is_in(client)

    assert LoginSession.objects.get().user == ann


def test_a_session_is_noted_once_a_minute(client, ann, time_machine_at):
    client.force_login(ann)
    first = LoginSession.objects.get().last_seen_at

    for seconds, moved in ((30, False), (61, True), (90, False)):
        with time_machine_at(first + timedelta(seconds=seconds)):
            client.get("/admin/jsi18n/")
        seen = LoginSession.objects.get().last_seen_at
        assert (seen > first) is (seconds > 60), (seconds, moved)


@pytest.fixture
def time_machine_at():
    import time_machine

    return lambda at: time_machine.travel(at, tick=False)


def test_a_request_costs_no_query_for_the_list(client, ann, django_assert_num_queries):
    client.force_login(ann)

    with django_assert_num_queries(2):  # the session and the person
        client.get("/admin/jsi18n/")


def test_ending_what_is_over_is_refused():
    session = LoginSessionFactory()
    ends = {"user_id": session.user_id, "actor": PERSON, "at": NOW}
    end_session(session_id=session.pk, **ends)

    with pytest.raises(NotFound, match="over already"):
        end_session(session_id=session.pk, **ends)

    assert end_sessions(**ends) == 0
    assert AuditEvent.objects.count() == 1


def test_what_has_run_out_is_removed():
    old, live = LoginSessionFactory(expires_at=NOW), LoginSessionFactory()
    store = SessionStore()
    store["x"] = 1
    store.create()
    Session.objects.update(expire_date=timezone.now() - timedelta(days=1))

    assert remove_old_sessions(NOW) == 1

    assert not LoginSession.objects.filter(pk=old.pk).exists()
    assert list(live_sessions(live.user, NOW)) == [live]
    assert not Session.objects.exists()


def test_without_a_way_to_send_mail_nobody_is_offered_one(client, db):
    assert client.get("/account/password/forgotten/").status_code == 404
    assert "can set a new one" in client.get("/account/login/").text
    assert not mail.outbox
