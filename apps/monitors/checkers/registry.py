"""Kinds of monitors, by name. A new kind is a module and a line here; the contract tests run on all of them."""

from __future__ import annotations

from functools import cache
from typing import cast

from django.utils.module_loading import import_string

from apps.monitors.checkers.base import Checker

CHECKERS: dict[str, str] = {
    "http": "apps.monitors.checkers.http.HTTPChecker",
}


@cache
def get_checker(kind: str) -> Checker:
    """Return the checker of `kind`. KeyError when there is no such kind."""
    return cast(Checker, import_string(CHECKERS[kind])())
