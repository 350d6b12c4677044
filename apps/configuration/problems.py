"""What is wrong with a file: every problem names its place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

_MOST_SHOWN = 12


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing to mend. `place` is a path such as `monitors[2].requests[0].url`; `line` counts from 1, 0 is unknown."""

    line: int
    place: str
    message: str

    def __str__(self) -> str:
        where = self.place
        if self.line:
            where = f"{where} (line {self.line})" if where else f"line {self.line}"
        return f"{where}: {self.message}" if where else self.message


@dataclass(slots=True)
class Problems:
    """The problems found so far, in the order of the file."""

    found: list[Problem] = field(default_factory=list)

    def add(self, place: str, message: str, *, line: int = 0) -> None:
        problem = Problem(line, place, message)
        if problem not in self.found:
            self.found.append(problem)

    def __len__(self) -> int:
        return len(self.found)

    def in_order(self) -> list[Problem]:
        return sorted(self.found, key=lambda problem: problem.line)


def join(place: str, path: str) -> str:
    """Return the place of `path` (as a service names a field) below `place`."""
    if not place or not path:
        return place or path
    return f"{place}{path}" if path.startswith("[") else f"{place}.{path}"


def shortened(names: Iterable[str]) -> str:
    """Return the names, or the first of many, in one line."""
    ordered = sorted(names)
    shown = ", ".join(ordered[:_MOST_SHOWN]) or "none yet"
    return f"{shown}, …" if len(ordered) > _MOST_SHOWN else shown
