"""Status pages, their components, and what is said about them."""

from __future__ import annotations

from apps.pages.models.addresses import FormerSlug
from apps.pages.models.catalogue import DOMAIN, SLUG, Component, ComponentGroup, Page
from apps.pages.models.history import ClosedDays, ComponentDay, Correction
from apps.pages.models.members import PageMembership
from apps.pages.models.metrics import Metric, MetricAggregate, MetricPoint
from apps.pages.models.statuses import MeasurementGap, StatusContribution, StatusPeriod
from apps.pages.models.tokens import TokenPage

__all__ = [
    "DOMAIN",
    "SLUG",
    "ClosedDays",
    "Component",
    "ComponentDay",
    "ComponentGroup",
    "Correction",
    "FormerSlug",
    "MeasurementGap",
    "Metric",
    "MetricAggregate",
    "MetricPoint",
    "Page",
    "PageMembership",
    "StatusContribution",
    "StatusPeriod",
    "TokenPage",
]
