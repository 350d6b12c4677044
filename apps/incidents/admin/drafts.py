"""Drafts: what waits, is scheduled or was refused, each with a page on which it is read, approved or sent back."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.safestring import SafeString

from apps.accounts.roles import EDITORS, PUBLISHERS
from apps.core.adminkit import Confirmation, HistoryAdmin, actor_of, link, local, tag
from apps.core.adminkit.service import RowOfPage
from apps.core.errors import Conflict, DomainError
from apps.core.unfold import Textarea, display
from apps.incidents import drafting, services
from apps.incidents.admin import access
from apps.incidents.admin.compose import (
    Composer,
    IncidentUpdate,
    MaintenanceUpdate,
    NewIncident,
    NewMaintenance,
    compose,
)
from apps.incidents.admin.reviewing import facts_of
from apps.incidents.admin.screens import MEDIA, address
from apps.incidents.admin.submitting import answer, sentence
from apps.incidents.admin.timeline import timeline_of, told
from apps.incidents.models import Draft
from apps.pages.scoping import PageScoped

REVIEW = "admin/incidents/draft.html"
TAGS = {
    Draft.State.DRAFT: "calm",
    Draft.State.WAITING: "pending",
    Draft.State.SENT_BACK: "failed",
    Draft.State.SCHEDULED: "scheduled",
    Draft.State.REFUSED: "failed",
    Draft.State.PUBLISHED: "done",
    Draft.State.DISCARDED: "calm",
}


class StateFilter(admin.SimpleListFilter):
    """Unsettled ones unless others are asked for."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [*Draft.State.choices, ("all", "All")]

    def choices(self, changelist: Any) -> Any:
        yield {
            "selected": self.value() is None,
            "query_string": changelist.get_query_string(remove=[self.parameter_name]),
            "display": "Not settled",
        }
        for value, title in self.lookup_choices:
            yield {
                "selected": self.value() == str(value),
                "query_string": changelist.get_query_string({self.parameter_name: value}),
                "display": title,
            }

    def queryset(
        self, request: HttpRequest, queryset: models.QuerySet[Any]
    ) -> models.QuerySet[Any]:
        value = self.value()
        if value == "all":
            return queryset
        if value in Draft.State:
            return queryset.filter(state=value)
        return queryset.filter(settled_at__isnull=True)


class NoteForm(forms.Form):
    """Why it goes back."""

    note = forms.CharField(
        label="What is to be changed",
        widget=Textarea(attrs={"rows": 3}),
        help_text="Its writer reads this beside the draft.",
    )


class ReasonForm(forms.Form):
    """Why nobody else is asked."""

    reason = forms.CharField(
        label="Why it cannot wait",
        widget=Textarea(attrs={"rows": 2}),
        help_text="Kept in the audit trail for good.",
    )
    digest = forms.CharField(widget=forms.HiddenInput)


@admin.register(Draft)
class DraftAdmin(PageScoped, RowOfPage, HistoryAdmin):
    """What is written and not public yet."""

    list_display = ["subject", "what", "page", "state_label", "by", "posted_at", "changed"]
    list_display_links = ["subject"]
    list_filter = [StateFilter, "kind", "page"]
    list_select_related = ["page", "incident", "maintenance"]
    search_fields = ["author", "incident__name", "maintenance__name"]
    ordering = ["-updated_at", "-pk"]

    @display(description="About")
    def subject(self, draft: Draft) -> str:
        return draft.subject

    @display(description="What", ordering="kind")
    def what(self, draft: Draft) -> str:
        return draft.get_kind_display()

    @display(description="State", ordering="state")
    def state_label(self, draft: Draft) -> SafeString:
        return tag(TAGS[Draft.State(draft.state)], draft.get_state_display())

    @display(description="Written by", ordering="author")
    def by(self, draft: Draft) -> str:
        return draft.author

    @display(description="To be posted", ordering="publish_at")
    def posted_at(self, draft: Draft) -> str:
        if draft.publish_at is None:
            return "When a person posts it" if draft.settled_at is None else "–"
        return local(draft.publish_at, draft.page.time_zone)

    @display(description="Changed", ordering="updated_at")
    def changed(self, draft: Draft) -> str:
        return local(draft.updated_at, draft.page.time_zone)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_urls(self) -> list[Any]:
        screens = {
            "edit": self.edit,
            "post": self.post,
            "send_back": self.send_back,
            "override": self.override,
            "discard": self.discard,
        }
        own = [
            path(
                f"<path:object_id>/{name.replace('_', '-')}/",
                self.admin_site.admin_view(view),
                name=f"incidents_draft_{name}",
            )
            for name, view in screens.items()
        ]
        return [*own, *super().get_urls()]

    # Read.

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        draft = self._draft(request, object_id)
        return self._review(request, draft)

    def _review(
        self,
        request: HttpRequest,
        draft: Draft,
        *,
        refusal: str = "",
        status: int = 200,
    ) -> HttpResponse:
        zone = draft.page.time_zone
        event = draft.incident or draft.maintenance
        since = []
        if event is not None and not draft.is_settled:
            updates: Any = event.updates
            rows = updates.filter(sequence__gt=draft.seen_sequence).order_by("sequence")
            since = [told(row, zone) for row in rows[:20]]
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": draft,
            "title": str(draft),
            "draft": draft,
            "state": self.state_label(draft),
            "facts": facts_of(draft),
            "event_link": link(event) if event is not None else "",
            "sequence": event.last_sequence if event is not None else 0,
            "since": since,
            "timeline": timeline_of(event) if event is not None else None,
            "zone": zone,
            "written_at": local(draft.updated_at, zone),
            "publish_at": local(draft.publish_at, zone) if draft.publish_at else "",
            "settled_at": local(draft.settled_at, zone) if draft.settled_at else "",
            "refusal": refusal,
            "may": self._may(request, draft),
            "media": self.media + MEDIA,
            "back": address(Draft),
        }
        return TemplateResponse(request, REVIEW, context, status=status)

    def _may(self, request: HttpRequest, draft: Draft) -> dict[str, Any]:
        """Return which buttons the person gets, and what the one that posts is called."""
        writes = self.may(request, draft, _writers(draft))
        publishes = self.may(request, draft, PUBLISHERS)
        if draft.is_settled:
            return {}
        waits = access.waits(request, draft.page)
        is_writer = draft.author_key == access.actor_key(request)
        own = waits and is_writer
        ahead = draft.publish_at is not None and draft.publish_at > timezone.now()
        verb = "Schedule" if ahead and draft.state != Draft.State.SCHEDULED else "Post now"
        if waits:
            verb = "Approve and schedule" if verb == "Schedule" else "Approve and post"
        return {
            "edit": writes and draft.kind in drafting.EDITABLE,
            "post": publishes and not own,
            "verb": verb,
            "own": publishes and own,
            "override": publishes and waits and access.acts_alone(request),
            "send_back": publishes and not is_writer and draft.state in drafting.STEPS["send_back"],
            "discard": writes,
        }

    # Do.

    def edit(self, request: HttpRequest, object_id: str) -> HttpResponse:
        draft = self._draft(request, object_id)
        self._demand(request, draft, _writers(draft))
        if draft.is_settled or draft.kind not in drafting.EDITABLE:
            messages.error(request, f"{draft} cannot be changed any more.")
            return HttpResponseRedirect(address(draft))
        return compose(request, model_admin=self, composer=_composer(draft), draft=draft)

    def post(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Post, schedule or approve exactly the words that the page showed."""
        draft = self._draft(request, object_id)
        self._demand(request, draft, PUBLISHERS)
        if request.method != "POST":
            return HttpResponseRedirect(address(draft))
        sequence = request.POST.get("sequence", "")
        try:
            outcome = services.post_draft(
                draft_id=draft.pk,
                expected_digest=request.POST.get("digest", ""),
                expected_sequence=int(sequence) if sequence.isdecimal() else None,
                actor=actor_of(request),
                at=timezone.now(),
            )
        except DomainError as refusal:
            return self._refused(request, draft, refusal)
        return answer(request, outcome, "Posted: readers see it now.")

    def send_back(self, request: HttpRequest, object_id: str) -> HttpResponse:
        draft = self._draft(request, object_id)
        self._demand(request, draft, PUBLISHERS)

        def run(data: dict[str, Any]) -> str:
            services.send_back_draft(
                draft_id=draft.pk, **data, actor=actor_of(request), at=timezone.now()
            )
            return f"Sent back to {draft.author}."

        return Confirmation(
            title=f"Send this back to {draft.author}?",
            text=f"{draft}. It does not wait any more, and is not scheduled any more. Its words stay.",
            button="Send back",
            run=run,
            form=NoteForm,
        ).respond(request, model_admin=self, row=draft)

    def override(self, request: HttpRequest, object_id: str) -> HttpResponse:
        draft = self._draft(request, object_id)
        self._demand(request, draft, PUBLISHERS)
        if not access.acts_alone(request):
            raise PermissionDenied

        def run(data: dict[str, Any]) -> str:
            outcome = services.override_approval(
                draft_id=draft.pk,
                expected_digest=data["digest"],
                reason=data["reason"],
                actor=actor_of(request),
                at=timezone.now(),
            )
            return sentence(outcome, "Posted without a second person: readers see it now.")

        return Confirmation(
            title="Post this without a second person?",
            text=(
                f"{draft}. For what cannot wait. Who did it and why is kept in the audit trail, and everybody who sees "
                "the page can read it there."
            ),
            button="Post without approval",
            run=run,
            is_dangerous=True,
            form=ReasonForm,
            initial={"digest": draft.digest},
        ).respond(request, model_admin=self, row=draft)

    def discard(self, request: HttpRequest, object_id: str) -> HttpResponse:
        draft = self._draft(request, object_id)
        self._demand(request, draft, _writers(draft))

        def run(_: dict[str, Any]) -> str:
            services.discard_draft(draft_id=draft.pk, actor=actor_of(request), at=timezone.now())
            return "The draft is discarded. Nothing of it was public."

        return Confirmation(
            title="Discard this draft?",
            text=f"{draft}, written by {draft.author}. It is never posted. Its words can still be read in the list of drafts.",
            button="Discard",
            run=run,
            is_dangerous=True,
        ).respond(request, model_admin=self, row=draft)

    def _draft(self, request: HttpRequest, object_id: str) -> Draft:
        draft: Draft | None = self.row_of_page(request, object_id)
        if draft is None:
            raise Http404("There is no draft with this key.")
        return draft

    def _demand(self, request: HttpRequest, draft: Draft, roles: frozenset[str]) -> None:
        if not self.may(request, draft, roles):
            raise PermissionDenied

    def _refused(self, request: HttpRequest, draft: Draft, refusal: DomainError) -> HttpResponse:
        draft.refresh_from_db()
        text = refusal.message[:1].upper() + refusal.message[1:] + "."
        if isinstance(refusal, Conflict) and refusal.code == "sequence_moved":
            text = "Another update was posted meanwhile. Read it, then decide again."
        if isinstance(refusal, Conflict) and refusal.code == "draft_moved":
            text += " Below is what it says now: read it, then decide again."
        return self._review(request, draft, refusal=text, status=409)


def _writers(draft: Draft) -> frozenset[str]:
    """Return who changes or discards it: what a publisher scheduled is decided, so publishers only."""
    return PUBLISHERS if draft.state == Draft.State.SCHEDULED else EDITORS


def _composer(draft: Draft) -> Composer:
    """Return the screen on which drafts of this kind are written."""
    if draft.incident is not None:
        composer: Composer = IncidentUpdate(draft.incident)
    elif draft.maintenance is not None:
        composer = MaintenanceUpdate(draft.maintenance)
    elif draft.kind == Draft.Kind.ANNOUNCE:
        composer = NewMaintenance(draft.page)
    else:
        composer = NewIncident(draft.page)
    composer.title = f"Change the draft: {draft}"
    return composer
