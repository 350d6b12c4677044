"""Staff never see a traceback."""

from __future__ import annotations

import pytest
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path

from statusplatform import urls

handler500 = "statusplatform.errors.server_error"


def deadlocked(request: HttpRequest) -> HttpResponse:
    raise OperationalError("deadlock detected: secret detail")


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("secret detail")


urlpatterns = [path("deadlocked", deadlocked), path("broken", broken)]


@pytest.mark.urls("tests.platform.test_errors")
@pytest.mark.parametrize(("address", "status"), [("/deadlocked", 503), ("/broken", 500)])
def test_an_unexpected_error_says_what_to_do_and_shows_no_detail(address: str, status: int) -> None:
    answer = Client(raise_request_exception=False).get(address)

    assert answer.status_code == status
    text = answer.content.decode()
    assert "Nothing of this request was saved" in text
    assert "secret detail" not in text
    assert answer.has_header("Retry-After") == (status == 503)


def test_the_platform_answers_errors_that_way() -> None:
    assert urls.handler500 == handler500
