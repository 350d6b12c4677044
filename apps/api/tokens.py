"""Hand out an API token with all of its limits, at once or not at all."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from apps.accounts.models import ApiToken, User
from apps.accounts.tokens import TokenLimits, create_token
from apps.core.actors import Actor
from apps.pages.models import Page
from apps.pages.services.tokens import limit_token


@transaction.atomic
def issue_token(
    *,
    user: User,
    name: str,
    limits: TokenLimits,
    pages: Collection[Page] = (),
    actor: Actor,
    at: datetime,
) -> tuple[ApiToken, str]:
    """Return the new token and its key, which is shown now and never again."""
    token, key = create_token(user=user, name=name, limits=limits, actor=actor, at=at)
    limit_token(token=token, pages=pages, actor=actor, at=at)
    return token, key
