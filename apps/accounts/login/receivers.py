"""What follows from a log-in: its session is listed, the audit trail tells, and a new lock throws out old sessions."""

from __future__ import annotations

from typing import Any

from allauth.account import signals as account_signals
from allauth.mfa import signals as mfa_signals
from allauth.mfa.models import Authenticator
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from apps.accounts.actors import person_actor
from apps.accounts.login import events, marks, second_factor
from apps.accounts.models import User
from apps.accounts.sessions import end_sessions, forget_session
from apps.core.addresses import client_address

RECOVERY = Authenticator.Type.RECOVERY_CODES


@receiver(user_logged_in, dispatch_uid="accounts.keep_session")
def keep_session(*, request: HttpRequest, user: User, **_: Any) -> None:
    marks.keep(request, at=timezone.now(), user=user)


@receiver(account_signals.user_logged_in, dispatch_uid="accounts.note_login")
def note_login(*, request: HttpRequest, user: User, **_: Any) -> None:
    with_factor = second_factor.was_used(request, user)
    changes = {"second factor": ["", "yes" if with_factor else "no"]}
    events.note(user, "account.logged_in", at=timezone.now(), changes=changes)


@receiver(user_logged_out, dispatch_uid="accounts.note_logout")
def note_logout(*, request: HttpRequest, user: User | None, **_: Any) -> None:
    mark = marks.read(request)
    if user is None or mark is None:
        return
    forget_session(mark.key)
    # A client that was logged in without the form (a test's, a script's) was not noted either.
    if second_factor.records_of(request, user):
        events.note(user, "account.logged_out", at=timezone.now())


def _throw_out_others(request: HttpRequest, user: User) -> None:
    end_sessions(
        user_id=user.pk,
        but_key=request.session.session_key,
        actor=person_actor(user),
        at=timezone.now(),
    )


@receiver(account_signals.password_changed, dispatch_uid="accounts.password_changed")
def note_password(*, request: HttpRequest, user: User, **_: Any) -> None:
    mark = marks.read(request)
    if mark is not None and request.session.session_key:
        # The session has taken a new key: follow it before the others are ended.
        forget_session(mark.key)
        marks.keep(request, at=timezone.now(), user=user)
    events.note(user, "account.password_changed", at=timezone.now())
    _throw_out_others(request, user)


@receiver(account_signals.password_reset, dispatch_uid="accounts.password_reset")
def note_reset(*, request: HttpRequest, user: User, **_: Any) -> None:
    events.note(user, "account.password_reset", at=timezone.now())
    end_sessions(user_id=user.pk, actor=person_actor(user), at=timezone.now())


@receiver(mfa_signals.authenticator_added, dispatch_uid="accounts.factor_added")
def note_factor(
    *, request: HttpRequest, user: User, authenticator: Authenticator, **_: Any
) -> None:
    events.note(user, "account.factor_added", at=timezone.now(), changes=_factor(authenticator))
    if authenticator.type != RECOVERY:
        second_factor.note_setting_up(request, authenticator)
        _throw_out_others(request, user)


@receiver(mfa_signals.authenticator_removed, dispatch_uid="accounts.factor_removed")
def note_removal(
    *, request: HttpRequest, user: User, authenticator: Authenticator, **_: Any
) -> None:
    events.note(user, "account.factor_removed", at=timezone.now(), changes=_factor(authenticator))


@receiver(mfa_signals.authenticator_reset, dispatch_uid="accounts.codes_renewed")
def note_new_codes(*, request: HttpRequest, user: User, **_: Any) -> None:
    events.note(user, "account.recovery_codes_renewed", at=timezone.now())


@receiver(mfa_signals.authentication_failed, dispatch_uid="accounts.code_wrong")
def note_wrong_code(*, request: HttpRequest, user: User, **_: Any) -> None:
    events.note_failure(
        username=user.get_username(),
        address=client_address(request),
        at=timezone.now(),
    )


def _factor(authenticator: Authenticator) -> dict[str, list[str]]:
    return {"factor": ["", authenticator.get_type_display()]}
