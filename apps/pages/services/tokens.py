"""The pages that an API token is limited to."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from apps.accounts.models import ApiToken
from apps.core.actors import Actor
from apps.core.audit import record
from apps.pages.models import Page, TokenPage


@transaction.atomic
def limit_token(*, token: ApiToken, pages: Collection[Page], actor: Actor, at: datetime) -> None:
    """Limit a new token to the pages; none: it reaches all of its person's."""
    if not pages:
        return
    TokenPage.objects.bulk_create(TokenPage(token=token, page=page) for page in pages)
    slugs = sorted(page.slug for page in pages)
    record(actor=actor, at=at, action="token.limited", row=token, changes={"pages": [None, slugs]})
