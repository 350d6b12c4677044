"""What staff corrected of a component's past."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from apps.accounts.roles import PUBLISHERS
from apps.core.adminkit import Confirmation, HistoryAdmin, actor_of, link, local_span, tag, utc
from apps.core.adminkit.service import RowOfPage
from apps.core.unfold import action, display
from apps.pages import services
from apps.pages.admin.why import zone_of
from apps.pages.models import Component, Correction
from apps.pages.scoping import PageScoped

SHOWN = 10


def table(component: Component) -> str:
    """Return the component's newest corrections for its own screen, in two queries."""
    rows = list(Correction.objects.filter(component=component)[: SHOWN + 1])
    zone = zone_of(component)
    context = {
        "rows": [
            {
                "url": reverse("admin:pages_correction_change", args=[row.pk]),
                "when": local_span(row.started_at, row.ended_at, zone),
                "status": tag(row.status, row.get_status_display()),
                "reason": row.reason,
                "author": row.author,
                "is_revoked": row.revoked_at is not None,
            }
            for row in rows[:SHOWN]
        ],
        "more": f"{reverse('admin:pages_correction_changelist')}?component__id__exact={component.pk}"
        if len(rows) > SHOWN
        else "",
    }
    return render_to_string("admin/console/corrections.html", context)


@admin.register(Correction)
class CorrectionAdmin(PageScoped, RowOfPage, HistoryAdmin):
    """Reached from the component that was corrected."""

    page_path = "component__page"
    list_display = ["when", "component", "state", "reason", "author", "is_in_force"]
    list_filter = ["status", ("component", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["component__page"]
    search_fields = ["reason", "author", "component__name"]
    fields = ["component_link", "when", "state", "reason", "author", "made", "revoked"]
    actions_detail = ["revoke"]

    def has_module_permission(self, request: HttpRequest) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("component__page")

    @display(description="When", ordering="started_at")
    def when(self, correction: Correction) -> str:
        return local_span(correction.started_at, correction.ended_at, zone_of(correction.component))

    @display(description="What was true", ordering="status")
    def state(self, correction: Correction) -> SafeString:
        return tag(correction.status, correction.get_status_display())

    @display(description="In force", boolean=True)
    def is_in_force(self, correction: Correction) -> bool:
        return correction.revoked_at is None

    @display(description="Component")
    def component_link(self, correction: Correction) -> SafeString | str:
        return link(correction.component)

    @display(description="Made", ordering="id")
    def made(self, correction: Correction) -> str:
        return utc(correction.created_at)

    @display(description="Taken back")
    def revoked(self, correction: Correction) -> str:
        if correction.revoked_at is None:
            return "–"
        return f"{utc(correction.revoked_at)} by {correction.revoked_by}"

    @action(description="Take back", permissions=["revoke"], url_path="revoke", icon="undo")
    def revoke(self, request: HttpRequest, object_id: str) -> HttpResponse:
        correction = self.get_row(request, object_id)

        def run(_: dict[str, Any]) -> str:
            services.revoke_correction(
                correction_id=correction.pk, actor=actor_of(request), at=timezone.now()
            )
            return "The correction is taken back."

        return Confirmation(
            title="Take this correction back?",
            text="What was recorded, or corrected before it, counts again. The correction stays in this history.",
            button="Take back",
            run=run,
            is_dangerous=True,
        ).respond(request, model_admin=self, row=correction)

    def has_revoke_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Who may correct the component may take back what was said of it, once."""
        row = self.row_of_page(request, object_id)
        return self.may(request, row, PUBLISHERS) and row.revoked_at is None
