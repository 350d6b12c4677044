"""On a person's screen: where they are logged in, their second factors, and ending both."""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.accounts.factors import reset_factors
from apps.accounts.login import marks
from apps.accounts.login.views import session_rows
from apps.accounts.models import User
from apps.accounts.sessions import end_sessions, live_sessions
from apps.core.adminkit import Confirmation, actor_of, utc
from apps.core.adminkit.access import is_superuser
from apps.core.unfold import action, display

FIELDSET: Any = (
    "Logging in",
    {"fields": ["shown_factors", "shown_identities", "shown_sessions"]},
)
FIELDS = FIELDSET[1]["fields"]


class LoginParts:
    """Mixin for the users' ModelAdmin."""

    actions_detail = ["end_sessions", "reset_factors"]

    @display(description="Second factors")
    def shown_factors(self, user: User) -> str:
        kinds = list(Authenticator.objects.filter(user=user).order_by("pk"))
        return ", ".join(kind.get_type_display() for kind in kinds) or "None set up"

    @display(description="Single sign-on")
    def shown_identities(self, user: User) -> str:
        return ", ".join(str(identity) for identity in user.sign_on_identities.all()) or "Not used"

    @display(description="Logged in")
    def shown_sessions(self, user: User) -> SafeString | str:
        rows = session_rows(live_sessions(user, timezone.now())[:20], None)
        if not rows:
            return "Nowhere"
        body = format_html_join(
            "",
            '<tr><th scope="row">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>',
            (
                (row.device, row.address, row.method, utc(row.since), utc(row.last_seen))
                for row in rows
            ),
        )
        return format_html(
            '<div class="console-scroll"><table class="console-table"><thead><tr>'
            '<th scope="col">Browser</th><th scope="col">Address</th><th scope="col">By</th>'
            '<th scope="col">Since</th><th scope="col">Last used</th></tr></thead>'
            "<tbody>{}</tbody></table></div>",
            body,
        )

    @action(
        description="Log out everywhere",
        permissions=["end_sessions"],
        url_path="end-sessions",
        icon="logout",
    )
    def end_sessions(self, request: HttpRequest, object_id: str) -> HttpResponse:
        screen: Any = self
        user = screen.get_row(request, object_id)

        def run(_: dict[str, Any]) -> str:
            count = end_sessions(user_id=user.pk, actor=actor_of(request), at=timezone.now())
            return f"{count} session{'s' * (count != 1)} ended."

        return Confirmation(
            title=f"Log {user} out everywhere?",
            text="All their sessions end at once. They can log in again: to keep them out, make them inactive.",
            button="Log out everywhere",
            run=run,
            is_dangerous=True,
        ).respond(request, model_admin=self, row=user)

    @action(
        description="Reset second factors",
        permissions=["reset_factors"],
        url_path="reset-factors",
        icon="lock_reset",
    )
    def reset_factors(self, request: HttpRequest, object_id: str) -> HttpResponse:
        screen: Any = self
        user = screen.get_row(request, object_id)

        def run(_: dict[str, Any]) -> str:
            reset_factors(user_id=user.pk, actor=actor_of(request), at=timezone.now())
            return f"{user} has no second factor any more, and is logged out everywhere."

        return Confirmation(
            title=f"Take all second factors off {user}?",
            text=(
                "For who has lost their phone or key. Make sure that it is really them who asks: with their password "
                "alone anybody can log in as them until they set up new ones."
            ),
            button="Reset second factors",
            run=run,
            is_dangerous=True,
        ).respond(request, model_admin=self, row=user)

    def has_end_sessions_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return is_superuser(request)

    def has_reset_factors_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return is_superuser(request)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> Any:
        """Set a person's password, and log them out everywhere (oneself: everywhere else)."""
        screen: Any = super()
        response = screen.user_change_password(request, id, form_url)
        if request.method == "POST" and response.status_code == 302:
            # Still listed under the key of before: the session took a new one with the password.
            mark = marks.read(request) if str(request.user.pk) == str(id) else None
            end_sessions(
                user_id=int(id),
                but_key=mark.key if mark else None,
                actor=actor_of(request),
                at=timezone.now(),
            )
        return response
