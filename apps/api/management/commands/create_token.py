"""`manage.py create_token USER --name N`: print the key of a new API token."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.scopes import Scope
from apps.accounts.tokens import TokenLimits
from apps.api.tokens import issue_token
from apps.configuration.management.readiness import usable_database
from apps.core.actors import command_actor
from apps.core.errors import DomainError
from apps.pages.models import Page

LONGEST_DAYS = 3_650


class Command(BaseCommand):
    help = "Make an API token and print its key, which is not shown again."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", help="The user name of the person that the token acts as.")
        parser.add_argument("--name", required=True, help="What uses it.")
        parser.add_argument(
            "--scope", action="append", default=[], metavar="S", help=", ".join(Scope.values)
        )
        parser.add_argument(
            "--page", action="append", default=[], metavar="SLUG", help="Limit it to these pages."
        )
        parser.add_argument("--expires", type=int, metavar="DAYS", help="Never, if left out.")

    def handle(
        self,
        *,
        user: str,
        name: str,
        scope: list[str],
        page: list[str],
        expires: int | None,
        **options: Any,
    ) -> None:
        if expires is not None and not 1 <= expires <= LONGEST_DAYS:
            raise CommandError(f"--expires: give between 1 and {LONGEST_DAYS} days")
        now = timezone.now()
        with usable_database():
            try:
                token, key = issue_token(
                    user=_person(user),
                    name=name,
                    limits=TokenLimits(
                        scopes=scope,
                        expires_at=now + timedelta(days=expires) if expires is not None else None,
                    ),
                    pages=_pages(page),
                    actor=command_actor("create_token"),
                    at=now,
                )
            except DomainError as refusal:
                raise CommandError(str(refusal)) from refusal
        self.stderr.write(f"Made the token {token}. The key below is not shown again.")
        self.stdout.write(key)


def _person(username: str) -> User:
    person = User.objects.filter(username=username, is_active=True).first()
    if person is None:
        raise CommandError(f"USER: there is no active person called {username}")
    return person


def _pages(slugs: list[str]) -> list[Page]:
    found = {page.slug: page for page in Page.objects.live().filter(slug__in=slugs)}
    for slug in slugs:
        if slug not in found:
            raise CommandError(f"--page: there is no page {slug}")
    return list(found.values())
