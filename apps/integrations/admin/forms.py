"""An integration's form, in the words and the order of Postman's: where from, where to, and what is done there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect
from django.db import models

from apps.core.unfold import ModelForm, Select, Switch, Textarea, TextInput
from apps.incidents.models import Impact, IncidentStatus
from apps.integrations.admin.connectors import connector_label
from apps.integrations.admin.plain import list_choices
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
from apps.integrations.planner import DEFAULT_MESSAGE, DEFAULT_RESOLVED_MESSAGE
from apps.integrations.selectors import definition_of

NO_ACTION = "Choose at least one action: link components, create an incident or send a metric."
SWITCHES = ("link_on", "incident_on", "metric_on")


class IntegrationForm(ModelForm):
    """Everything but the linked components, which are rows of their own (links.py).

    `metric_rows` are the metrics that the person may choose; `is_plain`: without scripts.
    """

    metric_rows: models.QuerySet[ConnectorMetric] | None = None
    is_plain = False

    link_on = forms.BooleanField(
        label="Link monitor to component",
        required=False,
        widget=Switch,
        help_text="A failed run sets the failure status. It stays until a run passes, which sets the success status.",
    )
    incident_on = forms.BooleanField(
        label="Create incident when monitoring run fails",
        required=False,
        widget=Switch,
        help_text="One incident, however many runs fail after the first. It is resolved when the monitor passes again.",
    )
    incident_name = forms.CharField(
        label="Incident name",
        required=False,
        max_length=255,
        help_text="Shown to readers.",
        widget=TextInput,
    )
    incident_status = forms.ChoiceField(
        label="Incident status",
        required=False,
        choices=IncidentRule.OPENING,
        initial=IncidentStatus.INVESTIGATING,
        widget=Select,
    )
    incident_impact = forms.ChoiceField(
        label="Incident impact",
        required=False,
        choices=Impact.choices,
        initial=Impact.MAJOR,
        widget=Select,
        help_text="An optional part that few use: minor. What everybody needs, such as signing in: critical.",
    )
    incident_message = forms.CharField(
        label="Message",
        required=False,
        help_text="Shown to readers, in Markdown. Empty: the text that you see in grey.",
        widget=Textarea(attrs={"rows": 2, "placeholder": DEFAULT_MESSAGE}),
    )
    incident_resolved_message = forms.CharField(
        label="Message when resolved",
        required=False,
        help_text="Shown to readers, in Markdown. Empty: the text that you see in grey.",
        widget=Textarea(attrs={"rows": 2, "placeholder": DEFAULT_RESOLVED_MESSAGE}),
    )
    metric_on = forms.BooleanField(
        label="Send metric",
        required=False,
        widget=Switch,
        help_text="A value of each run goes to a metric of the page, which draws it as a chart.",
    )
    metric = forms.ModelChoiceField(
        label="Metric", required=False, queryset=ConnectorMetric.objects.none()
    )
    metric_measure = forms.ChoiceField(
        label="Measure",
        required=False,
        choices=MetricRule.Measure.choices,
        widget=Select,
    )

    class Meta:
        model = Integration
        fields = ["nickname", "workspace", "monitor", "connector", "page", "enabled"]
        help_texts = {
            "nickname": "For staff, such as Checkout to status page.",
            "monitor": "A monitor of the workspace.",
            "connector": "The account whose pages can be chosen. This platform’s own pages are always there.",
            "page": "A page of the connector.",
            "enabled": "Off: it is paused, and says nothing on the page.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "page" not in self.fields:
            return  # Read only: there is nothing to fill in.
        for name in ("workspace", "monitor", "connector", "page"):
            for allowed in ("add", "change", "delete", "view"):
                setattr(self.fields[name].widget, f"can_{allowed}_related", False)
        connector: Any = self.fields["connector"]
        connector.label_from_instance = connector_label
        metric: Any = self.fields["metric"]
        rows = ConnectorMetric.objects.all() if self.metric_rows is None else self.metric_rows
        metric.queryset = rows.filter(archived_at__isnull=True)
        if self.is_plain:
            for name, group in (("workspace", ""), ("monitor", "workspace"), ("page", "connector")):
                list_choices(self.fields[name], group=group)
            list_choices(connector, label=connector_label)
            list_choices(metric, group="page")
        else:
            metric.widget = metric_widget()
            metric.widget.choices = metric.choices
        if self.instance.pk is not None:
            self.initial.update(initial_of(definition_of(self.instance)))

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if data.get("incident_on") and not data.get("incident_name"):
            self.add_error("incident_name", "Readers need a name for the incident.")
        if data.get("metric_on") and not data.get("metric") and "metric" not in self.errors:
            self.add_error("metric", "Choose a metric of the page.")
        if not any(data.get(name) for name in SWITCHES):
            self.add_error(None, NO_ACTION)
        return data

    @property
    def has_no_action(self) -> bool:
        """Whether it was sent without any action."""
        return self.is_bound and NO_ACTION in self.non_field_errors()


def metric_widget() -> AutocompleteSelect:
    """Return a select that looks up metrics of the page that is chosen."""
    return AutocompleteSelect(
        MetricRule._meta.get_field("metric"), admin.site, attrs={"data-depends-on": "page"}
    )


def definition_from(
    form: IntegrationForm, links: Sequence[Mapping[str, Any]]
) -> IntegrationDefinition:
    """Return the definition that the valid form and its links make. What is switched off is left out."""
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
        )
        if data["link_on"]
        else (),
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


def initial_of(held: IntegrationDefinition) -> dict[str, Any]:
    """Return the values of the actions' fields for what is held."""
    incident, metric = held.create_incident, held.send_metric
    values: dict[str, Any] = {
        "link_on": bool(held.link_components),
        "incident_on": incident is not None,
        "metric_on": metric is not None,
    }
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
