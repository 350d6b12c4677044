"""Which text of which model readers may see. Every text, JSON and binary field of every model stands here once.

`public` is published of rows that the page shows. `words` are words of fixed lists and codes without a secret in them,
and what publication itself writes. `private` is never published: a canary is put there. A field that is not here
fails the build: decide what it is, then write it down.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fields:
    """Names of fields, by blanks."""

    public: str = ""
    words: str = ""
    private: str = ""

    @property
    def all(self) -> list[str]:
        return sorted(f"{self.public} {self.words} {self.private}".split())


FIELDS = {
    "core.AuditEvent": Fields(
        private=(
            "actor_kind actor_key actor_label action object_type object_id object_label changes"
            " address session"
        ),
        words="channel",
    ),
    "core.AuditSeal": Fields(private="previous_hash hash key_id mark"),
    "core.Heartbeat": Fields(private="name keys"),
    "accounts.User": Fields(private="public_id password username first_name last_name email"),
    "accounts.Workspace": Fields(private="public_id name"),
    "accounts.ApiToken": Fields(
        private="public_id name prefix key_hash scopes networks last_used_from"
    ),
    "accounts.Membership": Fields(private="public_id", words="role"),
    "accounts.LoginSession": Fields(words="method", private="public_id session_key address agent"),
    "accounts.SignOnIdentity": Fields(private="public_id issuer subject"),
    "pages.Page": Fields(public="public_id name slug description time_zone domain"),
    "pages.PageMembership": Fields(private="public_id", words="role"),
    "pages.FormerSlug": Fields(public="slug"),
    "pages.ComponentGroup": Fields(public="public_id name description"),
    "pages.Component": Fields(public="public_id name description status"),
    "pages.ClosedDays": Fields(words="time_zone"),
    "pages.ComponentDay": Fields(words="corrections"),
    "pages.Correction": Fields(
        public="reason", words="status", private="public_id author revoked_by"
    ),
    "pages.Metric": Fields(public="public_id name unit"),
    "pages.MetricPoint": Fields(private="source"),
    "pages.StatusContribution": Fields(words="source status", private="key label"),
    "pages.StatusPeriod": Fields(words="status"),
    "monitors.RunHour": Fields(private="buckets"),
    "monitors.RunDay": Fields(private="buckets"),
    "monitors.Certificate": Fields(private="host"),
    "monitors.EngineMinute": Fields(private="engine buckets"),
    "monitors.LateRun": Fields(words="result"),
    "monitors.RunProgress": Fields(words="work"),
    "monitors.Location": Fields(private="public_id code name reference_targets"),
    "monitors.Monitor": Fields(
        words="kind crontab crontab_time_zone",
        private="public_id name tags variables secret_variables",
    ),
    "monitors.MonitorRequest": Fields(
        words="body_kind", private="public_id name method url headers body json auth"
    ),
    "monitors.Assertion": Fields(words="source operator", private="name path value"),
    "monitors.Extraction": Fields(words="source", private="variable name path pattern"),
    "monitors.Schedule": Fields(words="last_result"),
    "monitors.Run": Fields(words="result", private="reason"),
    "monitors.RunDetail": Fields(private="detail"),
    "monitors.LatestPass": Fields(private="detail"),
    "monitors.Outage": Fields(words="close_reason", private="public_id reason"),
    "incidents.Incident": Fields(
        public="public_id name status", words="impact_override", private="origin idempotency_key"
    ),
    "incidents.IncidentComponent": Fields(words="status worst_status"),
    "incidents.IncidentUpdate": Fields(public="public_id body", words="status", private="author"),
    "incidents.UpdateComponent": Fields(words="old_status new_status"),
    "incidents.Postmortem": Fields(public="public_id body", private="draft author"),
    "incidents.Draft": Fields(
        words="kind state",
        private="public_id asked digest author author_key approved_by note",
    ),
    "incidents.MaintenanceSeries": Fields(private="public_id name message rule time_zone"),
    "incidents.Maintenance": Fields(
        public="public_id name", words="status", private="idempotency_key"
    ),
    "incidents.MaintenanceComponent": Fields(words="status"),
    "incidents.MaintenanceUpdate": Fields(
        public="public_id body", words="status", private="author"
    ),
    "incidents.MaintenanceUpdateComponent": Fields(words="old_status new_status"),
    "incidents.IncidentTemplate": Fields(
        words="kind update_status impact_override component_status",
        private="public_id name title message",
    ),
    "publishing.Publication": Fields(words="archive_frame", private="last_error"),
    "publishing.Bundle": Fields(words="name digest content"),
    "publishing.ArchiveFile": Fields(words="path digest month content"),
    "publishing.ArchiveMonth": Fields(words="key document"),
    "integrations.Connector": Fields(words="provider", private="public_id name api_key base_url"),
    "integrations.ConnectorPage": Fields(private="public_id remote_id name slug"),
    "integrations.ConnectorComponent": Fields(private="public_id remote_id name group_name"),
    "integrations.ConnectorMetric": Fields(private="public_id remote_id name"),
    "integrations.Integration": Fields(private="public_id nickname"),
    "integrations.ComponentLink": Fields(
        words="success_status failure_status said_status", private="public_id"
    ),
    "integrations.IncidentRule": Fields(
        words="status impact", private="public_id name message resolved_message"
    ),
    "integrations.MetricRule": Fields(words="measure", private="public_id"),
    "integrations.DeliveryStream": Fields(words="kind", private="key remote_id"),
    "integrations.Delivery": Fields(words="state", private="public_id change last_error"),
    "integrations.DeliveryAttempt": Fields(private="error"),
}
