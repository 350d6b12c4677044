from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from apps.accounts.factors import reset_factors
from apps.accounts.models import User
from apps.core.actors import command_actor
from apps.core.errors import DomainError


class Command(BaseCommand):
    """For who lost their phone, and for the only superuser, whom nobody else can help."""

    help = "Take all second factors off a person and log them out everywhere. They set up new ones at the next log-in."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")

    def handle(self, *, username: str, **_: Any) -> None:
        user = User.objects.filter(username=username).first()
        if user is None:
            raise CommandError(f"There is no user {username!r}.")
        try:
            count = reset_factors(
                user_id=user.pk, actor=command_actor("reset_factors"), at=timezone.now()
            )
        except DomainError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Took {count} off {username}, and logged them out everywhere.")
