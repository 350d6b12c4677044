"""A monitor's form, and the MonitorDefinition that it makes with its requests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from apps.core.adminkit.fields import LinesField, PairsField, SecretsField, ZoneField, ZoneWidget
from apps.core.unfold import ModelForm, Number, Select, TextInput
from apps.monitors.admin import how_often
from apps.monitors.checkers.spec import RequestSpec
from apps.monitors.checkers.validation import check_variables
from apps.monitors.definition import CrontabSpec, MonitorDefinition
from apps.monitors.models import Location, Monitor, Schedule


class MonitorForm(ModelForm):
    """Everything of a monitor but its requests."""

    how_often = forms.ChoiceField(
        label="How often", choices=how_often.CHOICES, initial="60", required=False, widget=Select
    )
    crontab_time_zone = ZoneField(
        label="Crontab's time zone",
        required=False,
        help_text="Empty: UTC.",
        widget=ZoneWidget(
            attrs={"placeholder": "Europe/Berlin", "data-show-when": "how_often=crontab"}
        ),
    )
    run_at = forms.ModelMultipleChoiceField(
        label="Locations",
        queryset=Location.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        help_text="Where it runs from.",
    )
    tag_lines = LinesField(label="Tags", help_text="One a line.")
    variable_lines = PairsField(
        separator="=",
        label="Variables",
        help_text="One name=value a line. {{name}} stands for it in URLs, headers, bodies and assertions.",
    )
    secrets = SecretsField(
        label="Secret variables",
        help_text="Used like variables. They are encrypted, masked in results, and never shown again.",
    )

    class Meta:
        model = Monitor
        fields = [
            "workspace",
            "name",
            "enabled",
            "interval_s",
            "crontab",
            "crontab_time_zone",
            "timeout_s",
            "run_limit_s",
            "retries",
            "retry_delay_s",
            "failure_threshold",
            "recovery_threshold",
            "quorum",
            "follow_redirects",
            "verify_tls",
            "parents",
        ]
        labels = {
            "interval_s": "Interval (seconds)",
            "timeout_s": "Timeout (s)",
            "run_limit_s": "Run limit (s)",
            "retry_delay_s": "Retry delay (s)",
        }
        help_texts = {
            "interval_s": "From run to run: 1 second to 7 days. Used with “Another interval”.",
            "crontab": "Minute, hour, day, month, weekday, such as 30 6 * * 1-5. Used with “By a crontab”.",
            "retry_delay_s": "Seconds before a failed request is repeated.",
            "follow_redirects": "Up to 10, each looked at like a request of its own.",
            "parents": "Monitors of the workspace that this one depends on.",
        }
        widgets = {
            "interval_s": Number(attrs={"min": 1, "data-show-when": "how_often=custom"}),
            "crontab": TextInput(
                attrs={"placeholder": "30 6 * * 1-5", "data-show-when": "how_often=crontab"}
            ),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "run_at" not in self.fields or "parents" not in self.fields:
            return  # Read only: there is nothing to fill in.
        live = Location.objects.live()
        run_at: Any = self.fields["run_at"]
        run_at.queryset = live
        row = self.instance
        if row.pk is None:
            self.initial["run_at"] = list(live.filter(code=Location.DEFAULT_CODE))
        else:
            placed = Schedule.objects.filter(monitor=row, removed_at__isnull=True)
            self.initial["run_at"] = list(live.filter(pk__in=placed.values("location_id")))
            secrets: Any = self.fields["secrets"]
            secrets.set_names(sorted(row.secret_variables))
        parents: Any = self.fields["parents"]
        parents.queryset = Monitor.objects.live()
        if row.pk is not None:
            self.initial["parents"] = list(row.parents.live())
        self.initial.update(
            tag_lines=row.tags,
            variable_lines=row.variables,
            how_often=how_often.chosen_by(row),
        )

    def clean_variable_lines(self) -> dict[str, str]:
        variables: dict[str, str] = self.cleaned_data["variable_lines"]
        self._refuse("variable_lines", variables)
        return variables

    def clean_secrets(self) -> Any:
        change = self.cleaned_data["secrets"]
        self._refuse("secrets", change.put)
        return change

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        self._settle_timing(data)
        workspace = data.get("workspace")
        for parent in data.get("parents") or ():
            if workspace is not None and parent.workspace_id != workspace.pk:
                self.add_error("parents", f"{parent} is not in this workspace.")
        return data

    def _settle_timing(self, data: dict[str, Any]) -> None:
        """Leave the interval or the crontab that was chosen; what the other field holds does not matter."""
        choice = data.get("how_often")
        if not choice:
            return
        for field, wanted in (("interval_s", how_often.CUSTOM), ("crontab", how_often.CRONTAB)):
            if choice != wanted:
                self.errors.pop(field, None)
        needed = how_often.missing(choice, data.get("interval_s"), data.get("crontab") or "")
        if needed is not None and needed[0] not in self.errors:
            self.add_error(*needed)
            return
        data["interval_s"], data["crontab"] = how_often.timing(
            choice, data.get("interval_s"), data.get("crontab") or ""
        )

    def _refuse(self, field: str, variables: dict[str, str]) -> None:
        for place, message in check_variables(variables):
            self.add_error(field, f"{place}: {message}.")


def definition_from(
    form: MonitorForm, requests: Sequence[RequestSpec], *, kind: str
) -> MonitorDefinition:
    """Return the definition that the valid form and its requests make; secrets left empty stay as stored."""
    data = form.cleaned_data
    crontab = data["crontab"]
    return MonitorDefinition(
        workspace_id=data["workspace"].pk,
        name=data["name"],
        kind=kind,
        enabled=data["enabled"],
        interval_s=None if crontab else data["interval_s"],
        crontab=CrontabSpec(crontab, data["crontab_time_zone"] or "UTC") if crontab else None,
        timeout_s=data["timeout_s"],
        run_limit_s=data["run_limit_s"],
        retries=data["retries"],
        retry_delay_s=data["retry_delay_s"],
        failure_threshold=data["failure_threshold"],
        recovery_threshold=data["recovery_threshold"],
        locations=tuple(location.code for location in data["run_at"]),
        quorum=data["quorum"],
        follow_redirects=data["follow_redirects"],
        verify_tls=data["verify_tls"],
        tags=tuple(data["tag_lines"]),
        parents=tuple(sorted(parent.name for parent in data["parents"])),
        variables=data["variable_lines"],
        secret_variables=data["secrets"].applied_to(form.instance.secret_variables),
        requests=tuple(requests),
    )
