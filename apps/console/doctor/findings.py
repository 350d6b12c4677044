"""The form of what a check finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "note", "warning", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the examination. `subject` is what was looked at, in a word or two; `what_to_do` may be empty.

    `note`: worth knowing; `warning`: something is less good than it could be; `problem`: something does not work.
    """

    level: Level
    subject: str
    text: str
    what_to_do: str = ""
