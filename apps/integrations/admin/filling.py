"""What an integration's form holds when it is opened, and the preview beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import models
from django.http import HttpRequest
from django.urls import reverse

from apps.accounts.models import Workspace
from apps.accounts.roles import PUBLISHERS
from apps.accounts.selectors import for_user
from apps.core.adminkit.access import Gated
from apps.integrations.admin.forms import initial_of
from apps.integrations.admin.links import LinkInline
from apps.integrations.admin.plain import is_plain
from apps.integrations.admin.previews import PREFIX, draft_from, preview_html
from apps.integrations.models import Connector, ConnectorMetric, ConnectorPage, Integration
from apps.integrations.preview import draft_of
from apps.integrations.selectors import definition_of
from apps.monitors.models import Monitor

PREVIEW = "_preview"
NICKNAME_LENGTH = 120


class FillsForm:
    """Mixin before the integration's ModelAdmin."""

    admin_site: Any
    model: Any

    def get_autocomplete_fields(self, request: HttpRequest) -> Any:
        found: Any = super().get_autocomplete_fields(request)  # type: ignore[misc]
        return [] if is_plain(request) else found

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form_class: Any = super().get_form(request, obj, change, **kwargs)  # type: ignore[misc]
        metrics, plain = self._choices(request, ConnectorMetric), is_plain(request)

        class FilledForm(form_class):  # type: ignore[misc]
            metric_rows = metrics
            is_plain = plain

            def is_valid(self) -> bool:
                # Who asks for the preview does not save.
                return bool(super().is_valid()) and PREVIEW not in request.POST

        return FilledForm

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Begin with what is named in the address, with a copy, and with what there is only one of."""
        asked: dict[str, Any] = super().get_changeform_initial_data(request)  # type: ignore[misc]
        copied = self._copied(request)
        if copied is not None:
            return self._as_copy(request, copied)
        return {**self._only_ones(request, asked), **asked}

    def get_formset_kwargs(
        self, request: HttpRequest, obj: Any, inline: Any, prefix: str
    ) -> dict[str, Any]:
        kwargs: dict[str, Any] = super().get_formset_kwargs(request, obj, inline, prefix)  # type: ignore[misc]
        copied = getattr(request, "copied_links", None)
        if copied and isinstance(inline, LinkInline):
            kwargs["initial"] = copied
        return kwargs

    def beside_form(self, request: HttpRequest, context: Any, row: Any) -> dict[str, Any]:
        """Return the preview of what the form holds, and where the form asks for the next one."""
        address = reverse("admin:integrations_integration_preview")
        query = request.GET.copy()
        query["plain"] = "1"
        return {
            "is_editable": "page" in context["adminform"].form.fields,
            "preview": preview_html(request, self._draft(request, context, row)),
            "preview_url": f"{address}?integration={row.pk}" if row is not None else address,
            "is_preview": PREVIEW in request.POST,
            "is_plain": is_plain(request),
            "plain_url": f"?{query.urlencode()}",
        }

    def _draft(self, request: HttpRequest, context: Any, row: Any) -> Any:
        pk = row.pk if row is not None else None
        data: Mapping[str, Any]
        if request.method == "POST":
            data = request.POST
        elif row is not None:
            return draft_of(row)
        else:
            data = {"enabled": True, **context["adminform"].form.initial}
            for number, link in enumerate(getattr(request, "copied_links", ())):
                data |= {f"{PREFIX}-{number}-{name}": value for name, value in link.items()}
                data[f"{PREFIX}-TOTAL_FORMS"] = number + 1
        return draft_from(request, data, site=self.admin_site, integration_id=pk)

    def _choices(self, request: HttpRequest, model: type[models.Model]) -> models.QuerySet[Any]:
        """Return the live rows that the person may choose in this form."""
        rows: models.QuerySet[Any] = model._default_manager.filter(archived_at__isnull=True)
        screen: Any = self.admin_site.get_model_admin(model)
        return screen.narrowed(request, rows, PUBLISHERS) if isinstance(screen, Gated) else rows

    def _only_ones(self, request: HttpRequest, asked: Mapping[str, Any]) -> dict[str, Any]:
        user: Any = request.user
        found: dict[str, Any] = {}
        monitor = self._choices(request, Monitor).filter(pk=_number(asked.get("monitor"))).first()
        workspace: Workspace | None = (
            monitor.workspace if monitor is not None else _only(for_user(user, PUBLISHERS))
        )
        page = self._choices(request, ConnectorPage).filter(pk=_number(asked.get("page"))).first()
        connector = page.connector if page is not None else self._first_connector(request)
        if page is None and connector is not None and "connector" not in asked:
            page = _only(self._choices(request, ConnectorPage).filter(connector=connector))
        for name, row in (("workspace", workspace), ("connector", connector), ("page", page)):
            if row is not None:
                found[name] = row.pk
        return found

    def _first_connector(self, request: HttpRequest) -> Connector | None:
        """Return the only connector there is, or else that of our own pages."""
        rows = self._choices(request, Connector)
        native: Connector | None = rows.filter(name=Connector.NATIVE_NAME).first()
        return _only(rows) or native

    def _copied(self, request: HttpRequest) -> Integration | None:
        """Return the integration that is to be copied, if the person sees it."""
        screen: Any = self
        key = _number(request.GET.get("copy_of"))
        row = screen.get_object(request, str(key)) if key else None
        seen = row is not None and screen.has_view_permission(request, row)
        return row if seen else None

    def _as_copy(self, request: HttpRequest, row: Integration) -> dict[str, Any]:
        held = definition_of(row)
        request.copied_links = [  # type: ignore[attr-defined]
            {
                "component": link.component_id,
                "success_status": link.success_status,
                "failure_status": link.failure_status,
            }
            for link in held.link_components
        ]
        end = " (copy)"
        return {
            "nickname": held.nickname[: NICKNAME_LENGTH - len(end)] + end,
            "workspace": held.workspace_id,
            "monitor": held.monitor_id,
            "connector": held.connector_id,
            "page": held.page_id,
            "enabled": held.enabled,
            **initial_of(held),
        }


def _only(rows: models.QuerySet[Any]) -> Any:
    """Return the only row, if there is exactly one."""
    found = list(rows[:2])
    return found[0] if len(found) == 1 else None


def _number(value: Any) -> int | None:
    text = str(value or "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None
