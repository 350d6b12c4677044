"""Every change of connectors, integrations and deliveries."""

from __future__ import annotations

from apps.integrations.services.connectors import (
    archive_connector,
    create_connector,
    refresh_catalogue,
    update_connector,
)
from apps.integrations.services.deliveries import attempt_deliveries, replay_delivery
from apps.integrations.services.integrations import (
    archive_integration,
    create_integration,
    set_enabled,
    update_integration,
)

__all__ = [
    "archive_connector",
    "archive_integration",
    "attempt_deliveries",
    "create_connector",
    "create_integration",
    "refresh_catalogue",
    "replay_delivery",
    "set_enabled",
    "update_connector",
    "update_integration",
]
