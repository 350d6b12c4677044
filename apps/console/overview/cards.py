"""What the overview is made of."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import models
from django.urls import reverse

SHOWN = 10


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a card: where it leads ("" : nowhere), its text, and what is said beside it."""

    url: str
    text: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """A card of the overview. `more` leads to the whole list; `quiet` is said where there is no line."""

    title: str
    lines: list[Line]
    quiet: str = ""
    more: str = ""


def change(row: models.Model) -> str:
    """Return the address of the row's page."""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def listed(label: str, query: str = "") -> str:
    """Return the address of a model's list, such as `monitors_outage`."""
    return reverse(f"admin:{label}_changelist") + query
