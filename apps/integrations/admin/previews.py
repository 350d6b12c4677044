"""The preview of an integration that is being filled in: what was typed in, sentences out. It changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.admin.sites import AdminSite
from django.db import models
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from apps.accounts.selectors import for_user
from apps.core.markdown import render
from apps.incidents.models import Impact, IncidentStatus
from apps.integrations.definition import IncidentDefinition
from apps.integrations.models import (
    ConnectorComponent,
    ConnectorPage,
    IncidentRule,
    Integration,
    MetricRule,
)
from apps.integrations.preview import Draft, DraftLink, Line, Preview, preview_of, scene_of
from apps.monitors.models import Monitor
from apps.pages.status import ComponentStatus

ROWS_AT_MOST = 200
PREFIX = "component_links"


def draft_from(
    request: HttpRequest, data: Mapping[str, Any], *, site: AdminSite, integration_id: int | None
) -> Draft:
    """Return what the form says so far. What does not fit together, or is not the person's to see, is not chosen yet."""
    monitor_id = _chosen(
        request, site, Monitor, data.get("monitor"), workspace_id=_key(data.get("workspace"))
    )
    page_id = _chosen(
        request, site, ConnectorPage, data.get("page"), connector_id=_key(data.get("connector"))
    )
    measure = str(data.get("metric_measure", ""))
    return Draft(
        integration_id=integration_id,
        nickname=str(data.get("nickname", "")).strip(),
        enabled=bool(data.get("enabled")),
        monitor_id=monitor_id,
        page_id=page_id,
        link_components=_links(data, page_id) if data.get("link_on") else None,
        create_incident=_incident(data) if data.get("incident_on") else None,
        with_metric=bool(data.get("metric_on")),
        metric_id=_key(data.get("metric")),
        measure=measure
        if measure in MetricRule.Measure
        else MetricRule.Measure.RESPONSE_TIME_MS.value,
    )


def preview_html(request: HttpRequest, draft: Draft) -> SafeString:
    """Return the preview as HTML, with no name of a workspace that the person is not a member of."""
    return drawn(preview_of(scene_of(draft, seen=seen_workspaces(request))))


def seen_workspaces(request: HttpRequest) -> set[int]:
    """Return the keys of the workspaces that the person sees."""
    user: Any = request.user
    return set(for_user(user).values_list("pk", flat=True))


def drawn(preview: Preview) -> SafeString:
    """Return the sentences as HTML; what readers read as they would read it."""
    context = {
        "preview": preview,
        "steps": [
            (preview.fails_title, [_line(one) for one in preview.fails]),
            (preview.recovers_title, [_line(one) for one in preview.recovers]),
        ],
    }
    return render_to_string("admin/integrations/_preview.html", context)


def _line(line: Line) -> dict[str, Any]:
    return {
        "text": line.text,
        "status": line.status,
        "label": line.status_label,
        "quote": render(line.quote) if line.quote else "",
    }


def _chosen(
    request: HttpRequest, site: AdminSite, model: type[models.Model], value: Any, **belongs: Any
) -> int | None:
    """Return the row's key if the person sees it and it belongs where the form says."""
    key = _key(value)
    if key is None or None in belongs.values():
        return None
    rows = site.get_model_admin(model).get_queryset(request)
    return key if rows.filter(pk=key, archived_at__isnull=True, **belongs).exists() else None


def _links(data: Mapping[str, Any], page_id: int | None) -> tuple[DraftLink, ...]:
    if page_id is None:
        return ()
    total = min(_key(data.get(f"{PREFIX}-TOTAL_FORMS")) or 0, ROWS_AT_MOST)
    rows = []
    for number in range(total):
        start = f"{PREFIX}-{number}-"
        component_id = _key(data.get(f"{start}component"))
        if component_id is not None and not data.get(f"{start}DELETE"):
            rows.append(
                DraftLink(
                    component_id,
                    _status(data.get(f"{start}success_status"), ComponentStatus.OPERATIONAL),
                    _status(data.get(f"{start}failure_status"), ComponentStatus.MAJOR_OUTAGE),
                )
            )
    there = set(
        ConnectorComponent.objects.live()
        .filter(page_id=page_id, pk__in=[row.component_id for row in rows])
        .values_list("pk", flat=True)
    )
    kept = {row.component_id: row for row in rows if row.component_id in there}
    return tuple(kept.values())


def _incident(data: Mapping[str, Any]) -> IncidentDefinition:
    status, impact = str(data.get("incident_status", "")), str(data.get("incident_impact", ""))
    return IncidentDefinition(
        name=str(data.get("incident_name", "")).strip(),
        status=status
        if status in dict(IncidentRule.OPENING)
        else IncidentStatus.INVESTIGATING.value,
        impact=impact if impact in Impact else Impact.MAJOR.value,
        message=str(data.get("incident_message", "")).strip(),
        resolved_message=str(data.get("incident_resolved_message", "")).strip(),
    )


def _status(value: Any, default: ComponentStatus) -> str:
    return str(value) if value in ComponentStatus else default.value


def _key(value: Any) -> int | None:
    text = str(value or "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


def own_key(request: HttpRequest, model_admin: Any) -> int | None:
    """Return the key of the integration that is edited, if the person may edit it."""
    key = _key(request.GET.get("integration"))
    row = model_admin.get_object(request, str(key)) if key is not None else None
    if isinstance(row, Integration) and model_admin.has_change_permission(request, row):
        return int(row.pk)
    return None
