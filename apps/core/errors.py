"""Expected refusals. Everything else rises."""

from __future__ import annotations


class DomainError(Exception):
    """A refusal that a person can act on.

    `code` is stable and documented; `field` names the input at fault, where there is one
    (a dotted path such as `requests[0].url`).
    """

    def __init__(self, code: str, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


class Invalid(DomainError):
    """The input is wrong; asking again with the same input is refused again.

    `errors` lists every (path, message) found, the leading one included.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        field: str | None = None,
        errors: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(code, message, field=field)
        self.errors = errors or ((field or "", message),)


class Conflict(DomainError):
    """The row is not in the state that the request assumes."""


class NotFound(DomainError):
    """There is no such live row, or it is not the asker's to see."""
