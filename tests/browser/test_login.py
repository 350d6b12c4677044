"""Logging in in a real browser: authenticator app, recovery code, security key, passkey; and how the pages are read."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core.cache import cache
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from tests.accounts.logging_in import code_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PASSWORD = "correct horse battery"

# Playwright's loop runs in the test's thread, where Django would refuse its own synchronous queries.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


@pytest.fixture(autouse=True)
def _settings(settings: Any) -> None:
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # Keys are made for http://localhost, where the tests' server answers.
    settings.MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = True
    cache.clear()


@pytest.fixture
def page(open_tab: Callable[..., Any]) -> Iterator[Page]:
    """A phone's browser that has nothing to complain about."""
    User.objects.create_superuser("mira", "mira@example.com", PASSWORD)
    tab = open_tab(viewport={"width": 390, "height": 844}, color_scheme="dark")
    tab.page.set_default_timeout(15_000)
    yield tab.page
    assert not tab.complaints


def reads_well(page: Page) -> None:
    """Assert that axe finds nothing, and that nothing is cut off on a phone."""
    wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wider) == 0, "wider than the screen"
    found = Axe().run(page).response["violations"]
    assert not found, [(one["id"], [node["html"] for node in one["nodes"]]) for one in found]


def send_password(page: Page, url: str) -> None:
    page.goto(f"{url}/account/login/?next=/account/")
    page.get_by_label("Username").fill("mira")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()


def log_out(page: Page) -> None:
    page.get_by_role("button", name="Log out", exact=True).first.click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


def confirm_password(page: Page) -> None:
    expect(page.get_by_role("heading", name="Confirm that it is you")).to_be_visible()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()


def test_an_app_is_set_up_and_its_codes_and_recovery_codes_log_in(page: Page, live_server: Any):
    page.goto(f"{live_server.url}/account/login/")
    reads_well(page)
    send_password(page, live_server.url)
    reads_well(page)
    page.get_by_role("link", name="Set up a second factor").click()
    reads_well(page)
    page.get_by_role("link", name="Set up an app").click()
    confirm_password(page)
    reads_well(page)
    secret = page.locator("#secret").inner_text()
    page.get_by_label("Code of the app").fill(code_of(secret))
    page.get_by_role("button", name="Set up").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    reads_well(page)
    recovery = page.get_by_role("listitem").first.inner_text()

    for code in (code_of(secret, 1), recovery):
        log_out(page)
        send_password(page, live_server.url)
        expect(page.get_by_role("heading", name="Your second factor")).to_be_visible()
        reads_well(page)
        page.get_by_label("Code of your authenticator app").fill(code)
        page.get_by_role("button", name="Log in", exact=True).click()
        expect(page.get_by_role("heading", name="Your account")).to_be_visible()

    expect(page.get_by_text("9 recovery codes left")).to_be_visible()


def test_a_passkey_logs_in_alone_and_after_the_password(page: Page, live_server: Any):
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    send_password(page, live_server.url)
    page.goto(f"{live_server.url}/account/second-factors/keys/add/")
    confirm_password(page)
    reads_well(page)
    page.get_by_label("Name").fill("Laptop")
    page.get_by_label("Also log in without a password").check()
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()

    log_out(page)
    page.get_by_role("button", name="Log in with a passkey").click()
    page.wait_for_url("**/admin/")
    page.goto(f"{live_server.url}/account/second-factors/")
    expect(page.get_by_text("Laptop", exact=True)).to_be_visible()
    log_out(page)
    send_password(page, live_server.url)
    page.get_by_role("button", name="Use a security key").click()

    expect(page.get_by_role("heading", name="Your account")).to_be_visible()
    expect(page.get_by_role("cell", name="password")).to_be_visible()
