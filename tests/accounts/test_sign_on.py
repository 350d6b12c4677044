"""Single sign-on against a provider on loopback that may be wrong."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from django.core.cache import cache
from django.test import Client

from apps.accounts.models import LoginSession, Membership, SignOnIdentity, User
from apps.accounts.sso import client as protocol
from apps.accounts.sso.config import OIDCConfig, SecondFactor
from apps.accounts.sso.mapping import parse_grants
from apps.core.models import AuditEvent
from apps.pages.models import PageMembership
from tests.accounts.logging_in import code_of, give_app
from tests.accounts.oidc_provider import CLIENT_ID, CLIENT_SECRET, Provider, came_back, running
from tests.factories import PageFactory, UserFactory, WorkspaceFactory

pytestmark = pytest.mark.django_db

GRANTS = """
    sre -> workspace:Shop:editor;
    leads -> workspace:Shop:admin; leads -> page:acme:publisher
    viewers -> workspace:*:viewer
    root -> superuser
"""


@pytest.fixture
def provider(settings, db):
    cache.clear()
    with running(Provider()) as one:
        settings.OIDC = OIDCConfig(
            issuer=one.issuer,
            client_id=CLIENT_ID,
            client_secret=CLIENT_SECRET,
            name="Acme ID",
            grants=parse_grants(GRANTS),
        )
        yield one


def sign_on(provider, client=None, next_url=""):
    """Go the whole way; return the last answer."""
    client = client or Client()
    left = client.get("/account/sign-on/", {"next": next_url} if next_url else {})
    assert left.status_code == 302, left.text
    return client.get(came_back(provider.authorize(left.url)))


def roles_of(user):
    return dict(Membership.objects.filter(user=user).values_list("workspace__name", "role"))


def test_the_log_in_page_offers_it(provider, client):
    page = client.get("/account/login/?next=/admin/pages/page/").text

    assert "Log in with Acme ID" in page
    assert 'href="/account/sign-on/?next=/admin/pages/page/"' in page


def test_without_a_provider_there_is_nothing_of_it(settings, client, db):
    settings.OIDC = None

    assert "sign-on" not in client.get("/account/login/").text
    assert client.get("/account/sign-on/").status_code == 404


def test_who_is_in_a_mapped_group_becomes_staff_with_its_roles(provider):
    WorkspaceFactory(name="Shop")
    provider.claims |= {"preferred_username": "mira", "name": "Mira Roy"}
    client = Client()

    answer = sign_on(provider, client, "/admin/monitors/monitor/")

    assert answer.url == "/admin/monitors/monitor/"
    assert client.get("/admin/").status_code == 200
    user = User.objects.get()
    assert (user.username, user.first_name, user.is_staff) == ("mira", "Mira", True)
    assert not user.is_superuser
    assert not user.has_usable_password()
    assert roles_of(user) == {"Shop": "editor"}
    assert LoginSession.objects.get().method == "sso"
    actions = set(AuditEvent.objects.values_list("action", flat=True))
    assert actions >= {"account.created_by_sign_on", "account.roles_set", "account.logged_in"}


def test_the_next_time_it_is_the_same_person_under_any_name(provider):
    provider.claims |= {"preferred_username": "mira"}
    sign_on(provider)
    provider.claims |= {"preferred_username": "mira.roy"}

    sign_on(provider)

    assert User.objects.get().username == "mira"
    assert SignOnIdentity.objects.get().subject == "s-1"


def test_nobody_becomes_somebody_by_name_or_e_mail(provider):
    UserFactory(username="mira", email="mira@example.com", admin=True)
    provider.claims |= {
        "preferred_username": "Mira",
        "email": "mira@example.com",
        "email_verified": True,
    }

    sign_on(provider)

    new = SignOnIdentity.objects.get().user
    assert (new.username, new.is_superuser) == ("Mira-2", False)


def test_of_several_groups_the_highest_role_holds(provider):
    WorkspaceFactory(name="Shop")
    WorkspaceFactory(name="Bank")
    page = PageFactory(slug="acme")
    provider.claims["groups"] = ["viewers", "leads", "sre", "unknown"]

    sign_on(provider)

    user = User.objects.get()
    assert roles_of(user) == {"Shop": "admin", "Bank": "viewer"}
    assert PageMembership.objects.get(user=user, page=page).role == "publisher"


def test_a_group_lost_is_a_role_lost_and_what_was_given_by_hand_stays(provider):
    WorkspaceFactory(name="Shop")
    bank = WorkspaceFactory(name="Bank")
    PageFactory(slug="acme")
    provider.claims["groups"] = ["leads"]
    sign_on(provider)
    user = User.objects.get()
    Membership.objects.create(user=user, workspace=bank, role="publisher")
    provider.claims["groups"] = ["viewers"]

    sign_on(provider)

    assert roles_of(user) == {"Shop": "viewer", "Bank": "publisher"}
    assert not PageMembership.objects.exists()


def test_who_has_no_mapped_group_is_refused_and_loses_what_groups_gave(provider):
    WorkspaceFactory(name="Shop")
    provider.claims["groups"] = ["sre", "root"]
    before = Client()
    sign_on(provider, before)
    user = User.objects.get()
    assert user.is_superuser
    provider.claims["groups"] = ["cooks"]

    answer = sign_on(provider)

    user.refresh_from_db()
    assert answer.status_code == 403
    assert "None of your groups has access" in answer.text
    assert (user.is_superuser, roles_of(user)) == (False, {})
    assert before.get("/admin/").status_code == 302


def test_a_stranger_without_a_mapped_group_leaves_no_trace(provider):
    provider.claims["groups"] = []

    answer = sign_on(provider)

    assert answer.status_code == 403
    assert not User.objects.exists()


def test_a_superuser_by_hand_stays_one(provider):
    sign_on(provider)
    User.objects.update(is_superuser=True)

    sign_on(provider)

    assert User.objects.get().is_superuser


def test_groups_may_be_in_the_userinfo(provider):
    WorkspaceFactory(name="Shop")
    del provider.claims["groups"]
    provider.userinfo = {"sub": "s-1", "groups": ["sre"]}

    sign_on(provider)

    assert roles_of(User.objects.get()) == {"Shop": "editor"}


def test_who_is_deactivated_here_stays_out(provider):
    sign_on(provider)
    User.objects.update(is_active=False)
    client = Client()

    answer = sign_on(provider, client)

    assert answer.url == "/account/inactive/"
    assert "_auth_user_id" not in client.session


WRONG = {
    "signature": {"signs_with": "wrong"},
    "no signature": {"algorithm": "none"},
    "signed with the public key": {"algorithm": "HS256"},
    "audience": {"token_claims": {"aud": "another"}},
    "two audiences": {"token_claims": {"aud": [CLIENT_ID, "another"]}},
    "another party": {"token_claims": {"azp": "another"}},
    "issuer": {"token_claims": {"iss": "https://evil.example"}},
    "nonce": {"token_claims": {"nonce": "another"}},
    "no nonce": {"token_claims": {"nonce": None}},
    "expired": {"token_claims": {"exp": int(time.time()) - 300}},
    "without an end": {"token_claims": {"exp": None}},
    "not yet": {"token_claims": {"nbf": int(time.time()) + 3600}},
    "nobody": {"token_claims": {"sub": ""}},
    "a number for a subject": {"token_claims": {"sub": 7}},
    "another issuer's discovery": {"discovery": {"issuer": "https://evil.example"}},
    "keys elsewhere": {"discovery": {"jwks_uri": "file:///etc/passwd"}},
    "no such endpoint": {"discovery": {"token_endpoint": None}},
    "userinfo of another": {
        "token_claims": {"groups": None},
        "userinfo": {"sub": "s-2", "groups": ["root"]},
    },
}


@pytest.mark.parametrize("name", WRONG)
def test_a_token_that_is_wrong_lets_nobody_in(provider, name):
    client = Client()
    left = client.get("/account/sign-on/")
    back = provider.authorize(left.url)
    for attribute, value in WRONG[name].items():
        setattr(provider, attribute, value)

    answer = client.get(came_back(back))

    assert answer.status_code == 502
    assert "Log-in with Acme ID failed" in answer.text
    assert "_auth_user_id" not in client.session
    assert not User.objects.exists()


def test_only_the_named_host_may_be_private(provider):
    """A document that points elsewhere in the private network makes no request there."""
    provider.discovery = {"token_endpoint": "http://127.0.0.2:9/token"}

    answer = sign_on(provider)

    assert answer.status_code == 502
    assert "127.0.0.2" in answer.text
    assert "/token" not in provider.asked


@pytest.mark.parametrize("change", [{"state": "another"}, {"state": ""}])
def test_an_answer_to_another_browsers_question_is_refused(provider, change):
    client = Client()
    back = provider.authorize(client.get("/account/sign-on/").url)

    answer = client.get(came_back(back | change))

    assert answer.status_code == 400
    assert not User.objects.exists()


def test_a_state_is_good_once_and_for_its_own_browser(provider):
    client = Client()
    back = came_back(provider.authorize(client.get("/account/sign-on/").url))

    assert Client().get(back).status_code == 400
    assert client.get(back).status_code == 302
    assert client.get(back).status_code == 400


def test_cancelling_is_told_as_such(provider):
    client = Client()
    back = provider.authorize(client.get("/account/sign-on/").url)

    answer = client.get(came_back({"state": back["state"], "error": "access_denied"}))

    assert answer.status_code == 403
    assert "You cancelled it." in answer.text


def test_a_provider_that_is_slow_or_away_is_told_as_such(provider, monkeypatch, client):
    monkeypatch.setattr(protocol, "TIMEOUT_S", 0.2)
    provider.slow_s = 1.0

    answer = client.get("/account/sign-on/")

    assert answer.status_code == 502
    assert "does not answer" in answer.text


@pytest.mark.parametrize(
    ("rule", "amr", "counts"),
    [
        (SecondFactor.CLAIM, ["pwd", "otp"], True),
        (SecondFactor.CLAIM, ["pwd"], False),
        (SecondFactor.CLAIM, None, False),
        (SecondFactor.ALWAYS, None, True),
        (SecondFactor.NEVER, ["mfa"], False),
    ],
)
def test_it_counts_as_a_second_factor_only_where_the_provider_says_so(
    provider, settings, rule, amr, counts
):
    settings.REQUIRE_SECOND_FACTOR = True
    settings.OIDC = replace(settings.OIDC, second_factor=rule)
    provider.claims["amr"] = amr
    client = Client()

    sign_on(provider, client)

    answer = client.get("/admin/")
    assert (answer.status_code == 200) is counts
    assert counts or answer.url == "/account/second-factors/?next=%2Fadmin%2F"


def test_without_the_providers_second_factor_ours_is_asked_for(provider):
    sign_on(provider)
    give_app(User.objects.get())
    client = Client()

    answer = sign_on(provider, client)
    assert answer.url == "/account/login/second-factor/"
    assert client.get("/admin/").status_code == 302
    client.post(answer.url, {"code": code_of()})

    assert client.get("/admin/").status_code == 200


def test_groups_are_looked_at_again_at_the_latest_after_half_a_day(provider):
    client = Client()

    sign_on(provider, client)

    assert client.session.get_expiry_age() <= 12 * 3600


def test_who_comes_by_it_gets_no_password_by_themselves(provider):
    client = Client()
    sign_on(provider, client)

    answer = client.get("/account/password/", follow=True)

    assert "You have no password here" in answer.text
