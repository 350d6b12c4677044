"""Second factors of other people: taken off who has lost theirs. Services; times are aware UTC."""

from __future__ import annotations

from datetime import datetime

from allauth.mfa.models import Authenticator
from django.db import transaction

from apps.accounts.models import User
from apps.accounts.sessions import end_sessions
from apps.core.actors import Actor
from apps.core.audit import record
from apps.core.errors import Conflict


@transaction.atomic
def reset_factors(*, user_id: int, actor: Actor, at: datetime) -> int:
    """Take all second factors and recovery codes off the person, and log them out everywhere; return how many.

    They log in with their password alone then, and set up new ones. Conflict when they have none.
    """
    user = User.objects.select_for_update().get(pk=user_id)
    factors = list(Authenticator.objects.filter(user=user).order_by("pk"))
    if not factors:
        raise Conflict("no_factors", f"{user} has no second factor.")
    Authenticator.objects.filter(pk__in=[factor.pk for factor in factors]).delete()
    names = ", ".join(sorted({factor.get_type_display() for factor in factors}))
    record(
        actor=actor,
        at=at,
        action="account.factors_reset",
        row=user,
        changes={"factors": [names, ""]},
    )
    end_sessions(user_id=user.pk, actor=actor, at=at)
    return len(factors)
