"""What integrations know of incidents, lent to the incidents' screens."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest
from django.utils.safestring import SafeString

from apps.core.adminkit import link
from apps.incidents.admin import hands
from apps.incidents.models import Incident
from apps.integrations.admin.incident_story import may_see, story
from apps.integrations.models import Integration
from apps.integrations.selectors import (
    incidents_left_since,
    integration_behind,
    left_by_integrations,
)


def _left_to_staff(incidents: Collection[Incident]) -> set[int]:
    keys = {row.public_id: row.pk for row in incidents}
    return {keys[public_id] for public_id in left_by_integrations(keys)}


def _origin(request: HttpRequest, incident: Incident) -> SafeString | str:
    integration = integration_behind(incident)
    if integration is None:
        return ""
    if not may_see(request, integration.workspace_id):
        return "An integration of a workspace that you are not a member of"
    return link(integration, f"Integration {integration}")


def warn_of_left(request: HttpRequest, integration: Integration, at: datetime) -> None:
    """Tell who changed the integration at `at` which open incidents are theirs now."""
    for incident in incidents_left_since(integration.pk, at):
        messages.warning(
            request,
            f"The incident “{incident}” is open and nobody resolves it by itself any more: it is left to you.",
        )


hands.lend(hands.Knowledge(left_to_staff=_left_to_staff, origin=_origin, story=story))
