"""The `http` kind: requests in order, each with assertions, and extractions for later ones."""

from __future__ import annotations

from django import forms

from apps.monitors.checkers.base import Session
from apps.monitors.checkers.forms import HTTPConfigForm
from apps.monitors.checkers.session import HTTPSession
from apps.monitors.checkers.spec import MonitorSpec


class HTTPChecker:
    """Runs a list of HTTP requests (DESIGN "Runs"; docs/configuration.md)."""

    kind = "http"
    label = "HTTP"
    config_form: type[forms.Form] = HTTPConfigForm
    secret_fields = frozenset({"secret_variables"})

    def begin(self, spec: MonitorSpec) -> Session:
        return HTTPSession(spec)
