"""Addresses of the API, below /api/."""

from __future__ import annotations

from importlib import import_module

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt


@csrf_exempt
def identity(request: HttpRequest) -> HttpResponse:
    """Answer by IdentityView. The API's library is read at the first request: it costs every process megabytes."""
    answer: HttpResponse = import_module("apps.api.identity").IdentityView.as_view()(request)
    return answer


urlpatterns = [path("v1/identity", identity, name="identity")]
