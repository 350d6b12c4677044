"""The guided set-up: four steps that tick themselves off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Exists
from django.urls import reverse

from apps.accounts.models import ApiToken, User
from apps.accounts.roles import EDITORS, PUBLISHERS
from apps.accounts.selectors import for_user
from apps.integrations.models import Integration
from apps.monitors.models import Monitor
from apps.pages.access import pages_for

HIDDEN_COOKIE = "hide_first_steps"


@dataclass(frozen=True, slots=True)
class Step:
    """`url` is "" where somebody else has to take it."""

    title: str
    text: str
    url: str
    is_done: bool


@dataclass(frozen=True, slots=True)
class FirstSteps:
    """The steps; `next` is the first that is not done, None when all are."""

    steps: list[Step]

    @property
    def next(self) -> Step | None:
        return next((step for step in self.steps if not step.is_done), None)

    @property
    def done(self) -> int:
        return sum(step.is_done for step in self.steps)

    @property
    def is_usable(self) -> bool:
        """Whether all is set up that a status page needs; a token is for programs."""
        return all(step.is_done for step in self.steps[:-1])

    @property
    def is_theirs(self) -> bool:
        """Whether the person may take a step that is left, besides making a key for themselves."""
        return any(step.url and not step.is_done for step in self.steps[:-1])


def first_steps(user: User) -> FirstSteps:
    """Return how far this person's set-up has come, in one query."""
    workspaces, pages = for_user(user), pages_for(user)
    has = {
        "page": Exists(pages),
        "monitor": Exists(Monitor.objects.live().filter(workspace__in=workspaces)),
        "integration": Exists(Integration.objects.live().filter(workspace__in=workspaces)),
        "token": Exists(ApiToken.objects.filter(user=user, revoked_at__isnull=True)),
        "workspace": Exists(workspaces),
        "edits": Exists(for_user(user, EDITORS)),
        "integrates": Exists(for_user(user, PUBLISHERS)) & Exists(pages_for(user, PUBLISHERS)),
    }
    known: Any = User.objects.filter(pk=user.pk).values(**has).get()
    is_root = user.is_superuser
    steps = [
        Step(
            "Make a page",
            "What your readers see, with a component for each thing that they use.",
            reverse("admin:pages_page_add") if is_root else "",
            known["page"],
        ),
        Step(
            "Add a monitor",
            "An address, and what its answer must be. It runs from then on.",
            reverse("admin:monitors_monitor_add") if is_root or known["edits"] else "",
            known["monitor"],
        ),
        Step(
            "Add an integration",
            "What happens on the page when the monitor fails, and when it passes again.",
            reverse("admin:integrations_integration_add") if is_root or known["integrates"] else "",
            known["integration"],
        ),
        Step(
            "Make an API token",
            "A key for your programs, with no more rights than they need.",
            reverse("admin:accounts_apitoken_add"),
            known["token"],
        ),
    ]
    if is_root and not known["workspace"]:
        steps.insert(
            0,
            Step(
                "Make a workspace",
                "Where your team keeps its monitors and integrations.",
                reverse("admin:accounts_workspace_add"),
                False,
            ),
        )
    return FirstSteps(steps)
