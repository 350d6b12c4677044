"""Who changed something. Every service takes one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ActorKind = Literal["person", "token", "command", "automation"]


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, an API token, a command or the platform itself.

    `key` is the public id of the person or token, the command's name, or the part of the platform.
    """

    kind: ActorKind
    key: str
    label: str

    @property
    def is_automation(self) -> bool:
        return self.kind == "automation"


AUTOMATION = Actor("automation", "platform", "Automation")


def command_actor(name: str) -> Actor:
    """Return the actor for a management command."""
    return Actor("command", name, f"manage.py {name}")
