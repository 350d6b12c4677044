"""What each address, list action and select of the console does for whom. The matrix of roles checks it.

A name for a person means: they and whoever may more, of outsider < viewer < editor < publisher < admin <
superuser (tests/console/roles_scene.py). What a person may do they may do on rows of their own team only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.console.roles_scene import NOBODY, OUTSIDER, SUPERUSER, Place

ANYONE = "anyone"


def _nothing(place: Place) -> dict[str, Any]:
    return {}


@dataclass(frozen=True, slots=True)
class At:
    """What an address does: who may open it, who may send it (the same people if not said).

    `row` is the kind of row that it is about where it is not simply one of its model; `kwargs`, `query` and
    `data` are what the address, the question mark and the form take. `is_shared`: a row belongs to no team.
    """

    opens: str
    sends: str = ""
    row: str = ""
    kwargs: Callable[[Place], dict[str, Any]] = _nothing
    query: Callable[[Place], dict[str, Any]] = _nothing
    data: Callable[[Place], dict[str, Any]] = _nothing
    is_shared: bool = False

    @property
    def sent_by(self) -> str:
        return self.sends or self.opens


def screens(
    model: str,
    *,
    view: str = "viewer",
    add: str = NOBODY,
    change: str = NOBODY,
    is_shared: bool = False,
) -> dict[str, At]:
    """Return Django's own addresses of a model. Nobody deletes rows: they are archived, or history."""
    name = model.replace(".", "_")
    return {
        f"{name}_changelist": At(view),
        f"{name}_add": At(add),
        f"{name}_change": At(view, change, is_shared=is_shared),
        f"{name}_history": At(view, is_shared=is_shared),
        f"{name}_delete": At(NOBODY, is_shared=is_shared),
    }


def _update(place: Place) -> dict[str, Any]:
    return {"update": place["incidents.incident"].updates.get().public_id}


def _maintenance_update(place: Place) -> dict[str, Any]:
    return {"update": place["incidents.maintenance"].updates.get().public_id}


def _posted(place: Place) -> dict[str, Any]:
    return {"do": "post", "message": "We know more.", "sequence": "1"}


# {address, or address: what is sent}
URLS: dict[str, At] = {
    # The site's own. Logging in and out is tested where it is made.
    "index": At(OUTSIDER),
    "search": At(OUTSIDER),
    "login": At(ANYONE),
    "logout": At(ANYONE),
    "password_change": At(ANYONE),
    "password_change_done": At(ANYONE),
    "jsi18n": At(OUTSIDER),
    "autocomplete": At(ANYONE),  # By field: CHOICES.
    "app_list": At("viewer", kwargs=lambda _: {"app_label": "monitors"}),
    "view_on_site": At(NOBODY, kwargs=lambda _: {"content_type_id": 1}),
    "hide_first_steps": At(OUTSIDER),
    # People and teams.
    **screens("accounts.workspace", add=SUPERUSER, change="admin"),
    "accounts_workspace_archive_row": At("admin"),
    **screens("accounts.user", view=SUPERUSER, add=SUPERUSER, change=SUPERUSER),
    "auth_user_password_change": At(SUPERUSER, row="accounts.user"),
    "accounts_user_end_sessions": At(SUPERUSER),
    "accounts_user_reset_factors": At(SUPERUSER),
    # Everybody's own tokens; the rows here are somebody else's.
    **screens("accounts.apitoken", view=SUPERUSER),
    "accounts_apitoken_changelist": At(OUTSIDER),
    "accounts_apitoken_add": At(OUTSIDER),
    "accounts_apitoken_revoke": At(SUPERUSER),
    **screens("core.auditevent", view=SUPERUSER, change=SUPERUSER),  # Its screen only reads.
    "core_auditevent_history": At(OUTSIDER, is_shared=True),  # Leads to the screen.
    "core_auditevent_csv": At(SUPERUSER),
    "core_auditevent_jsonl": At(SUPERUSER),
    "core_auditevent_object": At(
        SUPERUSER, kwargs=lambda place: {"event_id": place["core.auditevent"].pk}
    ),
    # Pages.
    **screens("pages.page", add=SUPERUSER, change="editor"),
    "pages_page_archive_row": At("admin"),
    "pages_page_preview_new": At(SUPERUSER),
    "pages_page_preview": At("editor"),
    "pages_page_domain": At("editor"),
    **screens("pages.component", add="editor", change="editor"),
    "pages_component_set_status": At("publisher"),
    "pages_component_why": At("viewer"),
    "pages_component_past": At("viewer", "publisher"),
    "pages_component_archive_row": At("editor"),
    **screens("pages.componentgroup", add="editor", change="editor"),
    "pages_componentgroup_archive_row": At("editor"),
    **screens("pages.metric", add="editor", change="editor"),
    "pages_metric_archive_row": At("editor"),
    **screens("pages.correction"),
    "pages_correction_revoke": At("publisher"),
    # Monitors.
    **screens("monitors.location", add=SUPERUSER, change=SUPERUSER, is_shared=True),
    "monitors_location_archive_row": At(SUPERUSER, is_shared=True),
    **screens("monitors.monitor", add="editor", change="editor"),
    "monitors_monitor_edit": At("viewer", "editor"),
    "monitors_monitor_read_curl": At("editor"),
    "monitors_monitor_try_new": At("editor"),
    "monitors_monitor_try": At("editor"),
    "monitors_monitor_last_answer": At("editor"),
    "monitors_monitor_runs": At("viewer"),
    "monitors_monitor_run": At("viewer", kwargs=lambda place: {"key": place["a run's key"]}),
    "monitors_monitor_run_now": At("editor"),
    "monitors_monitor_asked": At("viewer", kwargs=lambda _: {"since": 0}),
    "monitors_monitor_pause": At("editor"),
    "monitors_monitor_resume": At("editor", row="monitors.monitor paused"),
    "monitors_monitor_archive_row": At("editor"),
    **screens("monitors.outage"),
    # Incidents and maintenance.
    # Editors write: what they send is kept as a draft.
    **screens("incidents.incident", add="editor", change="publisher"),
    "incidents_incident_preview": At("viewer"),
    "incidents_incident_resolve": At("publisher"),
    "incidents_incident_delete_postmortem": At("publisher", row="incidents.incident with a story"),
    **screens("incidents.draft", change="viewer"),  # Its screen only reads.
    "incidents_draft_edit": At("editor"),
    "incidents_draft_discard": At("editor"),
    "incidents_draft_post": At("publisher"),
    "incidents_draft_send_back": At("publisher", row="incidents.draft waiting"),
    "incidents_draft_override": At(SUPERUSER, row="incidents.draft waiting"),
    "incidents_incident_tell_past": At("publisher"),
    "incidents_incident_post_update": At("editor"),
    "incidents_incident_post_update: posting": At(
        "editor", "publisher", data=lambda place: {**_posted(place), "status": "identified"}
    ),
    "incidents_incident_edit_update": At("publisher", query=_update),
    "incidents_incident_take_over": At("publisher", row="incidents.incident automated"),
    "incidents_incident_postmortem": At("editor", row="incidents.incident resolved"),
    "incidents_incident_merge": At("publisher"),
    "incidents_incident_archive_row": At("publisher"),
    **screens("incidents.maintenance", add="editor", change="publisher"),
    "incidents_maintenance_edit_update": At("publisher", query=_maintenance_update),
    "incidents_maintenance_start_now": At("publisher"),
    "incidents_maintenance_post_update": At("editor", data=lambda _: {"do": "keep"}),
    "incidents_maintenance_post_update: posting": At("editor", "publisher", data=_posted),
    "incidents_maintenance_reschedule": At("publisher"),
    "incidents_maintenance_finish": At("publisher", row="incidents.maintenance in progress"),
    "incidents_maintenance_cancel_maintenance": At("publisher"),
    "incidents_maintenance_archive_row": At("publisher"),
    **screens("incidents.maintenanceseries", add="publisher", change="publisher"),
    "incidents_maintenanceseries_next_starts": At("viewer"),
    "incidents_maintenanceseries_archive_row": At("publisher"),
    **screens("incidents.incidenttemplate", add="editor", change="editor"),
    "incidents_incidenttemplate_use": At("editor"),
    "incidents_incidenttemplate_archive_row": At("editor"),
    # Integrations.
    **screens("integrations.connector", add=SUPERUSER, change=SUPERUSER, is_shared=True),
    "integrations_connector_archive_row": At(SUPERUSER, is_shared=True),
    **screens("integrations.connectorpage"),
    **screens("integrations.connectorcomponent"),
    **screens("integrations.connectormetric"),
    **screens("integrations.integration", add="publisher", change="publisher"),
    "integrations_integration_archive_row": At("publisher"),
    "integrations_integration_preview": At(ANYONE),
    "integrations_integration_run_log": At("viewer"),
    "integrations_integration_rehearsal": At("viewer"),
    "integrations_integration_pause": At("publisher"),
    "integrations_integration_resume": At("publisher", row="integrations.integration off"),
    "integrations_integration_duplicate": At("publisher"),
    **screens("integrations.delivery"),
    "integrations_delivery_replay": At("publisher"),
}


def _one(place: Place) -> dict[str, Any]:
    """Return what the page sends that asks whether to do it to the one that was chosen."""
    return {"expected": "1"}


# {model:action of its list: who may}
ACTIONS: dict[str, At] = {
    "monitors.monitor:run_chosen": At("editor", data=_one),
    "monitors.monitor:pause_chosen": At("editor", data=_one),
    "monitors.monitor:resume_chosen": At("editor", row="monitors.monitor paused", data=_one),
    "monitors.monitor:tag_chosen": At("editor", data=lambda place: {"tag": "new", **_one(place)}),
    "monitors.monitor:untag_chosen": At(
        "editor", data=lambda place: {"tag": "shop", **_one(place)}
    ),
    "integrations.integration:resume_chosen": At("publisher", row="integrations.integration off"),
    "integrations.integration:pause_chosen": At("publisher"),
}

# {model.field: who may look for rows there}
CHOICES: dict[str, At] = {
    # People are nobody's: whoever manages members looks for them by name.
    "accounts.membership.user": At("admin"),
    "pages.pagemembership.user": At("admin"),
    "pages.component.page": At("editor"),
    "pages.component.group": At("editor"),
    "pages.componentgroup.page": At("editor"),
    "pages.metric.page": At("editor"),
    "monitors.monitor.workspace": At("editor"),
    "monitors.monitor.parents": At("editor"),
    "incidents.incident.page": At("editor"),
    "incidents.incidenttemplate.page": At("editor"),
    "incidents.incidenttemplate.components": At("editor"),
    "incidents.maintenance.page": At("editor"),
    "incidents.maintenancecomponent.component": At("editor"),
    "incidents.maintenanceseries.page": At("publisher"),
    "incidents.maintenanceseries.components": At("publisher"),
    "integrations.integration.workspace": At("publisher"),
    "integrations.integration.monitor": At("publisher"),
    "integrations.integration.connector": At("viewer"),
    "integrations.integration.page": At("publisher"),
    "integrations.componentlink.component": At("publisher"),
    "integrations.metricrule.metric": At("publisher"),
}
