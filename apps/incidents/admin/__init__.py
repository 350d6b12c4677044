"""Screens of incidents, and of the texts prepared for them."""

from __future__ import annotations

from apps.incidents.admin.incidents import IncidentAdmin

__all__ = ["IncidentAdmin"]
