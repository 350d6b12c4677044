"""An integration's form: where from, where to, and what is done there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect

from apps.core.unfold import ModelForm, Select, Switch, Textarea, TextInput
from apps.incidents.models import Impact, IncidentStatus
from apps.integrations.definition import (
    IncidentDefinition,
    IntegrationDefinition,
    LinkDefinition,
    MetricDefinition,
)
from apps.integrations.models import (
    ConnectorMetric,
    IncidentRule,
    Integration,
    MetricRule,
)
from apps.integrations.selectors import definition_of

WITH_INCIDENT = {"data-show-when": "incident_on=on"}
WITH_METRIC = {"data-show-when": "metric_on=on"}


class IntegrationForm(ModelForm):
    """Everything but the linked components."""

    incident_on = forms.BooleanField(
        label="Create an incident",
        required=False,
        widget=Switch,
        help_text="One incident for an outage, however many runs fail; resolved when the outage closes.",
    )
    incident_name = forms.CharField(
        label="Title",
        required=False,
        max_length=255,
        help_text="Shown to readers.",
        widget=TextInput(attrs=WITH_INCIDENT),
    )
    incident_status = forms.ChoiceField(
        label="Status",
        required=False,
        choices=IncidentRule.OPENING,
        initial=IncidentStatus.INVESTIGATING,
        widget=Select(attrs=WITH_INCIDENT),
    )
    incident_impact = forms.ChoiceField(
        label="Impact",
        required=False,
        choices=Impact.choices,
        initial=Impact.MAJOR,
        widget=Select(attrs=WITH_INCIDENT),
    )
    incident_message = forms.CharField(
        label="Message",
        required=False,
        help_text="Markdown, shown to readers. Empty: a text that names nothing private.",
        widget=Textarea(attrs={"rows": 3, **WITH_INCIDENT}),
    )
    incident_resolved_message = forms.CharField(
        label="Message when resolved",
        required=False,
        help_text="Markdown, shown to readers. Empty: a text that names nothing private.",
        widget=Textarea(attrs={"rows": 3, **WITH_INCIDENT}),
    )
    metric_on = forms.BooleanField(
        label="Send a metric",
        required=False,
        widget=Switch,
        help_text="A value of each run, to a metric of the page.",
    )
    metric = forms.ModelChoiceField(
        label="Metric", required=False, queryset=ConnectorMetric.objects.none()
    )
    metric_measure = forms.ChoiceField(
        label="Measure",
        required=False,
        choices=MetricRule.Measure.choices,
        widget=Select(attrs=WITH_METRIC),
    )

    class Meta:
        model = Integration
        fields = ["nickname", "workspace", "monitor", "connector", "page", "enabled"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "metric" not in self.fields:
            return  # Read only: there is nothing to fill in.
        metric: Any = self.fields["metric"]
        metric.queryset = ConnectorMetric.objects.live()
        metric.widget = AutocompleteSelect(
            MetricRule._meta.get_field("metric"),
            admin.site,
            attrs={"data-depends-on": "page", **WITH_METRIC},
        )
        metric.widget.choices = metric.choices
        if self.instance.pk is not None:
            self.initial.update(_initial(definition_of(self.instance)))

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if data.get("incident_on") and not data.get("incident_name"):
            self.add_error("incident_name", "Readers need a title.")
        if data.get("metric_on") and not data.get("metric"):
            self.add_error("metric", "Choose a metric of the page.")
        return data


def definition_from(
    form: IntegrationForm, links: Sequence[dict[str, Any]]
) -> IntegrationDefinition:
    """Return the definition that the valid form and its links make."""
    data = form.cleaned_data
    return IntegrationDefinition(
        nickname=data["nickname"],
        workspace_id=data["workspace"].pk,
        monitor_id=data["monitor"].pk,
        connector_id=data["connector"].pk,
        page_id=data["page"].pk,
        enabled=data["enabled"],
        link_components=tuple(
            LinkDefinition(link["component"].pk, link["success_status"], link["failure_status"])
            for link in links
        ),
        create_incident=IncidentDefinition(
            name=data["incident_name"],
            status=data["incident_status"] or IncidentStatus.INVESTIGATING,
            impact=data["incident_impact"] or Impact.MAJOR,
            message=data["incident_message"],
            resolved_message=data["incident_resolved_message"],
        )
        if data["incident_on"]
        else None,
        send_metric=MetricDefinition(
            data["metric"].pk, data["metric_measure"] or MetricRule.Measure.RESPONSE_TIME_MS
        )
        if data["metric_on"]
        else None,
    )


def _initial(held: IntegrationDefinition) -> dict[str, Any]:
    incident, metric = held.create_incident, held.send_metric
    values: dict[str, Any] = {"incident_on": incident is not None, "metric_on": metric is not None}
    if incident is not None:
        values |= {
            "incident_name": incident.name,
            "incident_status": incident.status,
            "incident_impact": incident.impact,
            "incident_message": incident.message,
            "incident_resolved_message": incident.resolved_message,
        }
    if metric is not None:
        values |= {"metric": metric.metric_id, "metric_measure": metric.measure}
    return values
