"""API tokens: everybody makes and revokes their own, superusers also those of others."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from apps.accounts.models import ApiToken, User
from apps.accounts.scopes import Scope
from apps.accounts.selectors import for_user
from apps.accounts.tokens import TokenLimits, revoke_token
from apps.api.tokens import issue_token
from apps.core.actors import Actor
from apps.core.adminkit import Confirmation, ServiceModelAdmin, actor_of, tag, utc
from apps.core.adminkit.fields import LinesField
from apps.core.unfold import ModelForm, Select, TextInput, action, display
from apps.pages.access import pages_for

LIFETIMES = [("30", "30 days"), ("90", "90 days"), ("365", "A year"), ("", "For good")]


class TokenForm(ModelForm):
    """What the token is for, and what it is limited to."""

    chosen_scopes = forms.MultipleChoiceField(
        label="May",
        required=False,
        choices=Scope.choices,
        widget=forms.CheckboxSelectMultiple,
        help_text=(
            "It never may more than its person. So far the API tells a key what it is (GET /api/v1/identity);"
            " these say what else the token may do as soon as the API does it."
        ),
    )
    lifetime = forms.ChoiceField(
        label="Works for",
        required=False,
        choices=LIFETIMES,
        initial="90",
        widget=Select,
    )
    chosen_workspaces: Any = forms.ModelMultipleChoiceField(
        label="Only these workspaces",
        required=False,
        queryset=None,
        widget=forms.CheckboxSelectMultiple,
        help_text="None ticked: all that its person sees.",
    )
    chosen_pages: Any = forms.ModelMultipleChoiceField(
        label="Only these pages",
        required=False,
        queryset=None,
        widget=forms.CheckboxSelectMultiple,
        help_text="None ticked: all that its person sees.",
    )
    network_lines = LinesField(
        label="Only from these networks",
        help_text="One a line, such as 192.0.2.0/24. Empty: from anywhere.",
    )

    class Meta:
        model = ApiToken
        fields = ["name", "user"]
        widgets = {"name": TextInput}

    person: User

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen: Any = self.fields
        chosen["chosen_workspaces"].queryset = for_user(self.person)
        chosen["chosen_pages"].queryset = pages_for(self.person)


@admin.register(ApiToken)
class ApiTokenAdmin(ServiceModelAdmin):
    """Keys for programs. A key is shown once, when it is made."""

    form = TokenForm
    list_display = ["name", "prefix_shown", "person", "state", "expires", "used"]
    list_select_related = ["user"]
    search_fields = ["name", "prefix", "user__username"]
    search_help_text = "A name, the beginning of a key, or a user name"
    ordering = ["-id"]
    actions_detail = ["revoke"]
    error_fields = {
        "scopes": "chosen_scopes",
        "networks": "network_lines",
        "expires_at": "lifetime",
    }

    def allows(self, request: HttpRequest, what: str, row: Any = None) -> bool:
        user: Any = request.user
        if not (user.is_active and user.is_staff) or what == "delete":
            return False
        if what == "change" and row is not None:
            return False  # It is revoked and made anew: what a key may is settled when it is handed out.
        return row is None or user.is_superuser or row.user_id == user.pk

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = super().get_queryset(request)
        return rows if request.user.is_superuser else rows.filter(user=request.user.pk)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form_class: Any = super().get_form(request, obj, change, **kwargs)
        form_class.person = request.user
        return form_class

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is not None:
            facts = ["state", "prefix_shown", "person", "may", "limits", "made", "expires", "used"]
            return [(None, {"fields": facts})]
        who = ["user"] if request.user.is_superuser else []
        limits = ["chosen_workspaces", "chosen_pages", "network_lines"]
        return [
            (None, {"fields": ["name", *who, "chosen_scopes", "lifetime"]}),
            ("Limits", {"fields": limits, "classes": ["collapse"]}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        shown = ["state", "prefix_shown", "person", "may", "limits", "made", "expires", "used"]
        return shown if obj is not None else []

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "user":
            kwargs.setdefault("widget", AutocompleteSelect(db_field, self.admin_site))
            kwargs.setdefault("initial", request.user.pk)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    # What is shown.

    @display(description="Key", ordering="prefix")
    def prefix_shown(self, token: ApiToken) -> str:
        return f"{token.prefix}…"

    @display(description="Acts as", ordering="user__username")
    def person(self, token: ApiToken) -> str:
        return str(token.user)

    @display(description="State")
    def state(self, token: ApiToken) -> SafeString:
        if token.revoked_at is not None:
            return tag("archived", f"Revoked {utc(token.revoked_at)}")
        if not token.is_usable(timezone.now()):
            return tag("error", "Expired")
        if not token.user.is_active:
            return tag("error", "Its person is deactivated")
        return tag("passing", "Works")

    @display(description="May")
    def may(self, token: ApiToken) -> SafeString | str:
        labels = dict(Scope.choices)
        said = [(labels.get(scope, scope), scope) for scope in token.scopes]
        return format_html_join("", "<div>{} <small>({})</small></div>", said) or (
            "Read status pages"
        )

    @display(description="Only")
    def limits(self, token: ApiToken) -> str:
        pages = [limit.page.name for limit in token.token_pages.select_related("page")]
        parts = (
            ("workspaces", [str(one) for one in token.workspaces.all()]),
            ("pages", pages),
            ("from", token.networks),
        )
        said = [f"{what} {', '.join(names)}" for what, names in parts if names]
        return "; ".join(said) or "No limits but its person's"

    @display(description="Made", ordering="id")
    def made(self, token: ApiToken) -> str:
        return utc(token.created_at)

    @display(description="Works until", ordering="expires_at")
    def expires(self, token: ApiToken) -> str:
        return utc(token.expires_at) if token.expires_at else "for good"

    @display(description="Last used", ordering="last_used_at")
    def used(self, token: ApiToken) -> str:
        if token.last_used_at is None:
            return "Never"
        return f"{utc(token.last_used_at)} from {token.last_used_from or 'an unknown address'}"

    # What is done.

    def write(
        self,
        *,
        request: HttpRequest,
        row: Any,
        form: Any,
        formsets: Sequence[Any],
        is_new: bool,
        actor: Actor,
        at: datetime,
    ) -> ApiToken:
        data: dict[str, Any] = form.cleaned_data
        myself: Any = request.user
        days, person = data["lifetime"], data.get("user") or myself
        token, key = issue_token(
            user=person,
            name=data["name"],
            limits=TokenLimits(
                scopes=data["chosen_scopes"],
                workspaces=data["chosen_workspaces"],
                networks=data["network_lines"],
                expires_at=at + timedelta(days=int(days)) if days else None,
            ),
            pages=data["chosen_pages"],
            actor=actor,
            at=at,
        )
        request.new_key = key  # type: ignore[attr-defined]
        return token

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show the key, now and never again: it is in this answer only, in no session and no address."""
        response = TemplateResponse(
            request,
            "admin/api/token_made.html",
            {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "title": "Your new key",
                "token": obj,
                "key": getattr(request, "new_key", ""),
                "identity_url": request.build_absolute_uri("/api/v1/identity"),
                "media": self.media,
            },
        )
        response["Cache-Control"] = "no-store"
        return response

    @action(description="Revoke", permissions=["revoke"], url_path="revoke", icon="key_off")
    def revoke(self, request: HttpRequest, object_id: str) -> HttpResponse:
        token = self.get_row(request, object_id)

        def run(_: dict[str, Any]) -> str:
            revoke_token(token_id=token.pk, actor=actor_of(request), at=timezone.now())
            return f"{token} is revoked."

        return Confirmation(
            title=f"Revoke {token}?",
            text="Programs that use it are refused from now on. This cannot be undone; a new token can be made.",
            button="Revoke",
            run=run,
            is_dangerous=True,
        ).respond(request, model_admin=self, row=token)

    def has_revoke_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        token = self.row_of_page(request, object_id)
        return (
            token is not None and token.revoked_at is None and self.allows(request, "view", token)
        )
