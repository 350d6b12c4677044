"""Deliveries with their attempts, read only, and sent again by hand."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.accounts.roles import PUBLISHERS
from apps.accounts.scoping import WorkspaceScoped
from apps.core.adminkit import Confirmation, HistoryAdmin, HistoryInline, actor_of, link, tag, utc
from apps.core.adminkit.service import RowOfPage
from apps.core.unfold import action, display
from apps.integrations import services
from apps.integrations.admin.previews import seen_workspaces
from apps.integrations.models import ComponentLink, Delivery, DeliveryAttempt
from apps.integrations.preview.scene import UNSEEN


class AttemptInline(HistoryInline):
    """The tries to bring it there."""

    model = DeliveryAttempt
    fields = ["tried", "took", "outcome"]
    readonly_fields = ["tried", "took", "outcome"]
    verbose_name_plural = "attempts"
    hide_title = True
    ordering = ["-id"]

    @display(description="Time")
    def tried(self, attempt: DeliveryAttempt) -> str:
        return utc(attempt.at)

    @display(description="Took")
    def took(self, attempt: DeliveryAttempt) -> str:
        return f"{attempt.duration_ms} ms"

    @display(description="Outcome")
    def outcome(self, attempt: DeliveryAttempt) -> str:
        return attempt.error or "Arrived"


@admin.register(Delivery)
class DeliveryAdmin(WorkspaceScoped, RowOfPage, HistoryAdmin):
    """Changes that have to reach a page, in order per stream."""

    workspace_path = "integration__workspace"
    list_display = [
        "number",
        "what",
        "page",
        "integration",
        "state_label",
        "since",
        "attempts",
        "last_error",
    ]
    list_filter = ["state", "stream__kind", "stream__connector"]
    list_select_related = ["stream__page", "integration"]
    search_fields = ["public_id__exact", "integration__nickname", "stream__key"]
    fields = [
        "state_label",
        "what",
        "page",
        "integration_link",
        "since",
        "settled",
        "attempts",
        "last_error",
        "replay_link",
        "shown_change",
        "stream",
        "sequence",
    ]
    inlines = [AttemptInline]
    actions_detail = ["replay"]

    @display(description="Delivery", ordering="id")
    def number(self, delivery: Delivery) -> str:
        return delivery.public_id

    @display(description="What")
    def what(self, delivery: Delivery) -> str:
        return f"{delivery.stream.get_kind_display()} #{delivery.sequence}"

    @display(description="Page")
    def page(self, delivery: Delivery) -> str:
        return str(delivery.stream.page)

    @display(description="Integration")
    def integration_link(self, delivery: Delivery) -> SafeString | str:
        return link(delivery.integration)

    @display(description="State", ordering="state")
    def state_label(self, delivery: Delivery) -> SafeString:
        return tag(delivery.state, delivery.get_state_display())

    @display(description="Became true", ordering="at")
    def since(self, delivery: Delivery) -> str:
        return utc(delivery.at)

    @display(description="Settled")
    def settled(self, delivery: Delivery) -> str:
        return utc(delivery.settled_at)

    @display(description="Replay of")
    def replay_link(self, delivery: Delivery) -> SafeString | str:
        return link(delivery.replay_of)

    def get_object(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        row = super().get_object(request, *args, **kwargs)
        if row is not None:
            row.seen_change = _seen(request, row.change)
        return row

    @display(description="Change")
    def shown_change(self, delivery: Any) -> SafeString:
        text = json.dumps(delivery.seen_change, indent=2, ensure_ascii=False)
        return format_html('<pre class="console-code">{}</pre>', text)

    @action(description="Send again", permissions=["replay"], url_path="replay", icon="replay")
    def replay(self, request: HttpRequest, object_id: str) -> HttpResponse:
        delivery = self.get_row(request, object_id)

        def run(_: dict[str, Any]) -> str:
            services.replay_delivery(
                delivery_id=delivery.pk, actor=actor_of(request), at=timezone.now()
            )
            return "It is sent again."

        return Confirmation(
            title="Send this again?",
            text=(
                "It is put at the end of its stream. A component gets what is true of it now; an incident gets the "
                "same change, which does nothing if it has arrived before."
            ),
            button="Send again",
            run=run,
        ).respond(request, model_admin=self, row=delivery)

    def has_replay_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        delivery = self.row_of_page(request, object_id)
        return (
            delivery is not None
            and delivery.state != Delivery.State.PENDING
            and self.may(request, delivery, PUBLISHERS)
        )


def _seen(request: HttpRequest, change: dict[str, Any]) -> dict[str, Any]:
    """Return the change without the names of links of workspaces that the person is not a member of."""
    if "words" not in change:
        return change
    links = ComponentLink.objects.filter(public_id__in=[word["key"] for word in change["words"]])
    seen = set(
        links.filter(integration__workspace__in=seen_workspaces(request)).values_list(
            "public_id", flat=True
        )
    )
    words = [word if word["key"] in seen else {**word, "label": UNSEEN} for word in change["words"]]
    return {**change, "words": words}
