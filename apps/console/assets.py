"""The console's own style sheet, script and icon, named by settings.UNFOLD."""

from __future__ import annotations

from django.http import HttpRequest
from django.templatetags.static import static


def style(request: HttpRequest) -> str:
    """Return the style sheet's address."""
    return static("console/console.css")


def favicon(request: HttpRequest) -> str:
    """Return the tab icon's address."""
    return static("console/favicon.svg")


def script(request: HttpRequest) -> str:
    """Return the script's address."""
    return static("console/console.js")
