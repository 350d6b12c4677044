"""What staff do with many chosen monitors: asked first with what will happen, then done by one service."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone

from apps.accounts.roles import EDITORS
from apps.core.adminkit import actor_of
from apps.core.adminkit.access import is_superuser
from apps.core.among import among
from apps.core.errors import DomainError
from apps.core.unfold import Select, TextInput
from apps.monitors import services
from apps.monitors.models import Monitor
from apps.monitors.services.bulk import LONGEST_TAG
from apps.monitors.tagging import tags_of

NAMED = 10
BUSY = 1000


@dataclass(frozen=True, slots=True)
class Chosen:
    """A chosen monitor, as far as the question needs it."""

    pk: int
    name: str
    workspace_id: int
    enabled: bool
    is_archived: bool


@dataclass(frozen=True, slots=True)
class Bulk:
    """One thing to do: `wants` says of which monitors it changes something, the others are counted as `already`.

    `call(ids, data)` does it to the keys and returns how many it changed; `data` is what the form asked for.
    """

    name: str
    question: str
    text: str
    button: str
    will: str
    done: str
    already: str
    wants: Callable[[Chosen], bool]
    form: type[forms.Form] | None = None


class TagForm(forms.Form):
    """The tag to give."""

    tag = forms.CharField(
        max_length=LONGEST_TAG,
        label="Tag",
        help_text="Monitors that have it already keep it.",
        widget=TextInput,
    )


class UntagForm(forms.Form):
    """The tag to take, of those that the chosen monitors have."""

    tag = forms.ChoiceField(label="Tag", help_text="Tags of the chosen monitors.", widget=Select)


RUN = Bulk(
    name="run_chosen",
    question="Run {} now?",
    text="Each runs at its locations as soon as possible. The runs count like any other: they can open and close outages.",
    button="Run now",
    will="will run",
    done="about to run",
    already="paused",
    wants=lambda one: one.enabled,
)
PAUSE = Bulk(
    name="pause_chosen",
    question="Pause {}?",
    text="They stop running. What they said stays on the pages, and open outages stay open, until they run again.",
    button="Pause",
    will="will be paused",
    done="paused",
    already="paused already",
    wants=lambda one: one.enabled,
)
RESUME = Bulk(
    name="resume_chosen",
    question="Resume {}?",
    text="They run again, each from its next slot on.",
    button="Resume",
    will="will run again",
    done="running again",
    already="running already",
    wants=lambda one: not one.enabled,
)
TAG = Bulk(
    name="tag_chosen",
    question="Give {} a tag?",
    text="Tags only help to find monitors: nothing else changes.",
    button="Add the tag",
    will="will have it",
    done="given the tag",
    already="",
    wants=lambda one: True,
    form=TagForm,
)
UNTAG = Bulk(
    name="untag_chosen",
    question="Take a tag from {}?",
    text="Tags only help to find monitors: nothing else changes.",
    button="Remove the tag",
    will="will be without it",
    done="without the tag now",
    already="",
    wants=lambda one: True,
    form=UntagForm,
)


class BulkActions:
    """Mixin for the monitor's ModelAdmin."""

    actions: Any = ["run_chosen", "pause_chosen", "resume_chosen", "tag_chosen", "untag_chosen"]
    admin_site: Any
    opts: Any
    media: Any
    roles_held: Any

    @admin.action(description="Run now", permissions=["change"])
    def run_chosen(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> HttpResponse:
        return self._ask(request, queryset, RUN, services.run_monitors_now)

    @admin.action(description="Pause", permissions=["change"])
    def pause_chosen(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> HttpResponse:
        return self._ask(request, queryset, PAUSE, services.pause_monitors)

    @admin.action(description="Resume", permissions=["change"])
    def resume_chosen(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> HttpResponse:
        return self._ask(request, queryset, RESUME, services.resume_monitors)

    @admin.action(description="Add a tag", permissions=["change"])
    def tag_chosen(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> HttpResponse:
        return self._ask(request, queryset, TAG, services.tag_monitors)

    @admin.action(description="Remove a tag", permissions=["change"])
    def untag_chosen(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> HttpResponse:
        return self._ask(request, queryset, UNTAG, services.untag_monitors)

    def _ask(
        self,
        request: HttpRequest,
        queryset: models.QuerySet[Any],
        bulk: Bulk,
        service: Callable[..., int],
    ) -> HttpResponse:
        chosen = _chosen(queryset)
        allowed = [one for one in chosen if self._may_change(request, one)]
        live = [one for one in allowed if not one.is_archived]
        wanted = [one for one in live if bulk.wants(one)]
        others = [
            (len(live) - len(wanted), bulk.already),
            (len(allowed) - len(live), "archived"),
            (len(chosen) - len(allowed), "not yours to change"),
        ]
        is_sent = "expected" in request.POST
        form = _form(bulk, wanted, request.POST if is_sent else None)
        has_changed = is_sent and request.POST["expected"] != str(len(wanted))
        if is_sent and not has_changed and wanted and form.is_valid():
            try:
                number = service(
                    monitor_ids=[one.pk for one in wanted],
                    actor=actor_of(request),
                    at=timezone.now(),
                    **form.cleaned_data,
                )
            except DomainError as refusal:
                form.add_error(
                    refusal.field if refusal.field in form.fields else None, refusal.message
                )
            else:
                messages.success(request, _sentence(bulk, number, len(wanted), others))
                return HttpResponseRedirect(request.get_full_path())
        return TemplateResponse(
            request,
            "admin/console/monitor_bulk.html",
            {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "media": self.media + form.media,
                "title": bulk.question.format(_monitors(len(wanted))),
                "bulk": bulk,
                "form": form,
                "will": f"{_monitors(len(wanted))} {bulk.will}",
                "names": [one.name for one in wanted[:NAMED]],
                "more": f"{len(wanted) - NAMED:,}" if len(wanted) > NAMED else "",
                "others": [
                    f"{_monitors(count)} {_is(count)} {what}" for count, what in others if count
                ],
                "expected": len(wanted),
                "is_busy": bulk is RUN and len(wanted) > BUSY,
                "has_changed": has_changed,
                "selected": request.POST.getlist(ACTION_CHECKBOX_NAME),
                "checkbox": ACTION_CHECKBOX_NAME,
                "select_across": request.POST.get("select_across", "0"),
                "back": request.get_full_path(),
            },
            status=409 if is_sent else 200,
        )

    def _may_change(self, request: HttpRequest, one: Chosen) -> bool:
        """Tell whether the person may change it; roles are read once, not for each monitor."""
        return is_superuser(request) or self.roles_held(request).get(one.workspace_id) in EDITORS


def _chosen(queryset: models.QuerySet[Any]) -> list[Chosen]:
    """Return the chosen monitors in the list's order, in one query of a few columns."""
    columns = queryset.select_related(None).values_list(
        *("pk", "name", "workspace_id", "enabled", "archived_at")
    )
    return [
        Chosen(pk, name, workspace_id, enabled, archived_at is not None)
        for pk, name, workspace_id, enabled, archived_at in columns
    ]


def _form(bulk: Bulk, wanted: Collection[Chosen], data: Any) -> forms.Form:
    form = (bulk.form or forms.Form)(data)
    if isinstance(form, UntagForm):
        rows = Monitor.objects.filter(pk__in=among(one.pk for one in wanted))
        field: Any = form.fields["tag"]
        field.choices = [(tag, tag) for tag in tags_of(rows)]
    return form


def _sentence(bulk: Bulk, number: int, wanted: int, others: Sequence[tuple[int, str]]) -> str:
    """Say what was done and what was not, in one sentence."""
    rest = [f"{count:,} {_is(count)} {what}" for count, what in others if count and what]
    if bulk.form is not None and number < wanted:
        rest.insert(
            0, f"{wanted - number:,} {'needed' if wanted - number > 1 else 'needs'} no change"
        )
    text = f"{_monitors(number)} {_is(number)} {bulk.done}"
    return f"{text}; {', '.join(rest)}." if rest else f"{text}."


def _monitors(number: int) -> str:
    return "1 monitor" if number == 1 else f"{number:,} monitors"


def _is(number: int) -> str:
    return "is" if number == 1 else "are"
