"""What the log says while the database or the broker is away: a line each time. And what it does not say."""

from __future__ import annotations

import logging
from http import HTTPStatus

from django.db import InterfaceError, OperationalError
from kombu.exceptions import KombuError

LOST = (OperationalError, InterfaceError, KombuError, ConnectionError, TimeoutError)


class OneLinePerOutage(logging.Filter):
    """Shorten a record about a lost connection to its first line, which names the cause.

    For loggers of loops that try again by themselves, many times a minute (settings.LOGGING).
    """

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if _tells_of_outage(error):
            lines = record.getMessage().splitlines() or [""]
            record.msg, record.args = lines[0], ()
            record.exc_info = record.exc_text = None
        return True


class NoRefusedForms(logging.Filter):
    """Leave out what Django warns of a form that came back with 409: it told the person, and nothing is wrong.

    That somebody was refused (403) is a line, without the traceback of how Django says so.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        status = getattr(record, "status_code", None)
        if status == HTTPStatus.FORBIDDEN:
            record.exc_info = record.exc_text = None
        return status != HTTPStatus.CONFLICT


def _tells_of_outage(error: BaseException | None) -> bool:
    """Tell whether the error, or one during whose handling it was raised, is a lost connection."""
    while error is not None:
        if isinstance(error, LOST):
            return True
        error = error.__cause__ or error.__context__
    return False
