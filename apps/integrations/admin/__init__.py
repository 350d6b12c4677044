"""Integrations, connectors and deliveries."""

from apps.integrations.admin import component_knowledge, monitor_knowledge
from apps.integrations.admin.connectors import ConnectorAdmin
from apps.integrations.admin.deliveries import DeliveryAdmin
from apps.integrations.admin.integrations import IntegrationAdmin

__all__ = [
    "ConnectorAdmin",
    "DeliveryAdmin",
    "IntegrationAdmin",
    "component_knowledge",
    "monitor_knowledge",
]
