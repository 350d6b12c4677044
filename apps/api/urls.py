"""Addresses of the API, below /api/."""

from __future__ import annotations

from django.urls import path

from apps.api.identity import IdentityView

urlpatterns = [path("v1/identity", IdentityView.as_view(), name="identity")]
