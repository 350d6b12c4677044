"""The screen itself: the form, what was told so far beside it, and what its buttons do."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from apps.core.adminkit import actor_of, local
from apps.core.errors import Conflict, DomainError
from apps.core.markdown import render
from apps.incidents import services
from apps.incidents.admin import access, using
from apps.incidents.admin.compose.forms import PREFIX, ComposeForm, rows_of
from apps.incidents.admin.screens import MEDIA, Button, address, refuse
from apps.incidents.admin.submitting import answer
from apps.incidents.admin.timeline import Told, timeline_of, told
from apps.incidents.draft_selectors import drafts_of
from apps.incidents.models import Draft, Incident, IncidentTemplate, Maintenance
from apps.pages.models import Component, Page
from apps.pages.status import ComponentStatus

TEMPLATE = "admin/incidents/compose.html"
MEANWHILE = "Somebody posted meanwhile. Nothing of yours was posted, and nothing is lost: read it, then post again."
CHANGED = "Somebody changed this draft meanwhile. Nothing of yours was saved, and nothing is lost: read it, then save again."


class Composer:
    """What is written: which form it takes, how it begins, and what is asked for in the end."""

    kind: str
    template_kind: str
    verb: str
    title: str
    text: str
    legend = "Components"
    said_text = ""
    affected: Mapping[int, str]
    components: list[Component]
    template: IncidentTemplate | None = None

    def __init__(self, page: Page, event: Incident | Maintenance | None) -> None:
        self.page, self.event = page, event

    def form_class(self, template: IncidentTemplate | None) -> type[ComposeForm]:
        """Return the form, with the fields that the template's variables ask for."""
        raise NotImplementedError

    def initial(self, template: IncidentTemplate | None) -> dict[str, Any]:
        """Return what a new one begins with."""
        raise NotImplementedError

    def initial_of(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the form shows of a draft."""
        raise NotImplementedError

    def asked(self, data: Mapping[str, Any], *, at: datetime) -> dict[str, Any]:
        """Return {field: JSON value} of the cleaned form; a template's variables are filled in, as of `at`."""
        raise NotImplementedError

    @property
    def last_sequence(self) -> int:
        return self.event.last_sequence if self.event is not None else 0

    def keys_of(self, said: Collection[str]) -> list[int]:
        """Return the keys of components by their public ids."""
        return [row.pk for row in self.components if row.public_id in said]

    def filled(
        self, data: Mapping[str, Any], components: Sequence[int], *, at: datetime
    ) -> tuple[str, str]:
        """Return name and message as they are told."""
        texts = using.texts_in(data)
        if self.template is None:
            return texts.title, texts.message
        return services.fill_texts(page=self.page, component_ids=components, texts=texts, at=at)


def compose(
    request: HttpRequest, *, model_admin: Any, composer: Composer, draft: Draft | None = None
) -> HttpResponse:
    """Show the form; on POST do what the pressed button says. Nothing that was typed is ever lost (409).

    `post` posts, schedules or asks for approval, as page and time say; `hand` hands the draft to a publisher;
    `keep` keeps it; `preview` and `operational` (all components) only show the form again.
    """
    if draft is None:
        composer.template = using.chosen(
            request, page_id=composer.page.pk, kind=composer.template_kind
        )
    form_class = composer.form_class(composer.template)
    screen = _Screen(request, model_admin, composer, draft)
    if request.method != "POST":
        return screen.show(form_class(initial=screen.begin()))
    wish = request.POST.get("do", "post")
    if wish in ("preview", "operational"):
        form = form_class(initial=_as_typed(request, composer, wish))
        text = request.POST.get("message", "") if wish == "preview" else ""
        return screen.show(form, preview=render(text) if text else "")
    form = form_class(data=request.POST)
    news: list[Told] = []
    if form.is_valid():
        try:
            outcome = _act(request, composer, draft, form.cleaned_data, wish)
            return answer(request, outcome, "Posted: readers see it now.")
        except Conflict as refusal:
            if refusal.code == "sequence_moved" and composer.event is not None:
                composer.event.refresh_from_db()
                news = _since(composer, form.cleaned_data["sequence"] or 0)
                form = _once_more(form_class, request, MEANWHILE, sequence=composer.last_sequence)
            elif refusal.code == "draft_moved" and draft is not None:
                draft.refresh_from_db()
                form = _once_more(form_class, request, CHANGED, digest=draft.digest)
                news = [_theirs(draft)]
            else:
                refuse(form, refusal)
        except DomainError as refusal:
            refuse(form, refusal, {"components": "", "scheduled_for": "scheduled_for"})
    return screen.show(form, news=news, status=409)


def _act(
    request: HttpRequest, composer: Composer, draft: Draft | None, data: dict[str, Any], wish: str
) -> services.Outcome:
    at, actor, publish_at = timezone.now(), actor_of(request), data["publish_at"]
    sequence = data["sequence"] if composer.event is not None else None
    asked = composer.asked(data, at=publish_at or at)
    who: dict[str, Any] = {"actor": actor, "at": at}
    what: dict[str, Any] = {"asked": asked, "publish_at": publish_at}
    if wish == "post":
        if not access.may_publish(request, composer.page):
            raise PermissionDenied
        if draft is None:
            return services.submit_post(
                **_about(composer), **what, expected_sequence=sequence, **who
            )
        return services.submit_draft(
            draft_id=draft.pk,
            expected_digest=data["digest"] or None,
            expected_sequence=sequence,
            **what,
            **who,
        )
    with transaction.atomic():
        if draft is None:
            kept = services.keep_draft(
                **_about(composer), **what, seen_sequence=sequence or 0, **who
            )
        else:
            kept = services.edit_draft(
                draft_id=draft.pk,
                expected_digest=data["digest"] or None,
                seen_sequence=sequence,
                **what,
                **who,
            )
        if wish == "hand":
            kept = services.hand_over_draft(draft_id=kept.pk, **who)
    return services.Outcome(draft=kept)


def _about(composer: Composer) -> dict[str, Any]:
    event = composer.event
    return {
        "page_id": composer.page.pk,
        "kind": composer.kind,
        "incident_id": event.pk if isinstance(event, Incident) else None,
        "maintenance_id": event.pk if isinstance(event, Maintenance) else None,
    }


def _since(composer: Composer, sequence: int) -> list[Told]:
    updates: Any = composer.event.updates if composer.event is not None else None
    zone = composer.page.time_zone
    return [
        told(row, zone) for row in updates.filter(sequence__gt=sequence).order_by("sequence")[:20]
    ]


def _theirs(draft: Draft) -> Told:
    text = str(draft.asked.get("message", ""))
    when = local(draft.updated_at, draft.page.time_zone)
    label = draft.get_state_display()
    return Told(status=render(""), label=label, at=when, by=draft.author, body=render(text))


def _as_typed(request: HttpRequest, composer: Composer, wish: str) -> dict[str, Any]:
    """Return what the form began with or was filled in, without a word on what is still missing."""
    typed: dict[str, Any] = {name: request.POST.get(name, "") for name in request.POST}
    for name in ("deliver_notifications", "starts_itself", "ends_itself", "stays_automated"):
        typed[name] = name in request.POST
    if wish == "operational":
        typed |= dict.fromkeys(
            (f"{PREFIX}{pk}" for pk in composer.affected), ComponentStatus.OPERATIONAL.value
        )
    return typed


def _once_more(
    form_class: type[ComposeForm], request: HttpRequest, text: str, **hidden: Any
) -> ComposeForm:
    """Return the form with all that was typed, after what is the latest now."""
    data = request.POST.copy()
    for name, value in hidden.items():
        data[name] = str(value)
    form = form_class(data=data)
    form.add_error(None, text)
    return form


class _Screen:
    """The answers of one request."""

    def __init__(
        self, request: HttpRequest, model_admin: Any, composer: Composer, draft: Draft | None
    ) -> None:
        self.request, self.model_admin = request, model_admin
        self.composer, self.draft = composer, draft

    def begin(self) -> dict[str, Any]:
        """Return what the form shows first."""
        composer, draft = self.composer, self.draft
        initial = {"sequence": composer.last_sequence}
        if draft is None:
            return initial | composer.initial(composer.template)
        return (
            initial
            | composer.initial_of(draft.asked)
            | {"publish_at": draft.publish_at, "digest": draft.digest}
        )

    def show(
        self,
        form: ComposeForm,
        *,
        news: list[Told] | None = None,
        preview: str = "",
        status: int = 200,
    ) -> HttpResponse:
        composer, event = self.composer, self.composer.event
        rows = rows_of(form, composer.components, composer.affected)
        said = {row.field.name for row in rows}
        names = [name for name in form.fields if name not in said]
        after = [name for name in names if name in AFTER]
        context = {
            **self.model_admin.admin_site.each_context(self.request),
            "opts": self.model_admin.opts,
            "original": event or self.draft,
            "title": composer.title,
            "text": composer.text,
            "what_happens": self._what_happens(),
            "composer": composer,
            "form": form,
            "before": [form[name] for name in names if name not in after],
            "affected_rows": [row for row in rows if row.is_affected],
            "other_rows": [row for row in rows if not row.is_affected],
            "can_end_all": composer.kind == Draft.Kind.POST_UPDATE and bool(composer.affected),
            "after": [form[name] for name in after],
            "buttons": self._buttons(),
            "media": self.model_admin.media + form.media + MEDIA,
            "back": address(self.draft or event or self.model_admin.model),
            "news": news or [],
            "preview": preview,
            "timeline": timeline_of(event) if event is not None else None,
            "drafts": self._others(),
            "zone": composer.page.time_zone,
        }
        if self.draft is None:
            page_id = composer.page.pk
            context["picker"] = using.picker(
                composer.template, page_id=page_id, kind=composer.template_kind
            ) | {"page": "" if event is not None else page_id}
        return TemplateResponse(self.request, TEMPLATE, context, status=status)

    def _others(self) -> list[Draft]:
        """Return the other drafts about the same event, so that nobody writes the same twice."""
        event = self.composer.event
        if event is None:
            return []
        rows = drafts_of(event)
        return list((rows.exclude(pk=self.draft.pk) if self.draft else rows)[:10])

    def _buttons(self) -> list[Button]:
        keep = Button("keep", "Keep as draft", "default")
        if not access.may_publish(self.request, self.composer.page):
            return [Button("hand", "Hand to a publisher"), keep]
        if access.waits(self.request, self.composer.page):
            return [Button("post", "Ask for approval"), keep]
        return [Button("post", self.composer.verb), keep]

    def _what_happens(self) -> str:
        page = self.composer.page
        if not access.may_publish(self.request, page):
            return "You write it, a publisher of the page posts it. Nothing is public before that."
        if access.waits(self.request, page):
            return (
                f"On {page} a second person approves: it waits until another publisher has approved exactly this "
                "text. Nothing is public before that."
            )
        return "Readers see it as soon as it is posted."


AFTER = (
    "publish_at",
    "display_at",
    "impact_override",
    "starts_itself",
    "ends_itself",
    "stays_automated",
    "deliver_notifications",
)
"""The fields that come after the components."""
