"""The log during an outage: one line each time; a fault keeps its traceback."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError
from kombu.exceptions import OperationalError as BrokerError

from statusplatform.logs import NoRefusedForms

FORMATTER = logging.Formatter("%(message)s")


def logged(name: str, error: Exception, message: str, *args: Any) -> str:
    """Return what the logger would write about an error."""
    records: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = records.append  # type: ignore[method-assign]
    logger = logging.getLogger(name)
    logger.addHandler(handler)
    try:
        raise error
    except Exception:
        logger.error(message, *args, exc_info=True)  # as Celery does
    finally:
        logger.removeHandler(handler)
    return FORMATTER.format(records[0])


@pytest.mark.parametrize(
    "name", ["celery.app.trace", "celery.beat", "django_celery_beat.schedulers"]
)
@pytest.mark.parametrize("kind", [OperationalError, BrokerError, ConnectionRefusedError])
def test_an_outage_is_one_line(name: str, kind: type[Exception]) -> None:
    text = logged(name, kind("connection refused"), "Message Error: %s\n%s", "refused", ["stack"])

    assert text == "Message Error: refused"


def test_an_outage_behind_another_error_is_one_line_too() -> None:
    error = RuntimeError("could not apply")
    error.__context__ = OperationalError("connection refused")

    assert logged("celery.beat", error, "Message Error") == "Message Error"


def test_a_fault_keeps_its_traceback() -> None:
    text = logged("celery.app.trace", ValueError("wrong"), "Task failed")

    assert "Traceback" in text


def test_routine_lines_of_the_loops_are_left_out() -> None:
    loggers = settings.LOGGING["loggers"]

    assert loggers["celery.beat"]["level"] == "WARNING"


@pytest.mark.parametrize(("status", "is_logged"), [(409, False), (404, True), (500, True)])
def test_a_form_that_came_back_is_no_warning(status: int, is_logged: bool) -> None:
    filters = logging.getLogger("django.request").filters
    record = logging.makeLogRecord({"msg": "Conflict", "status_code": status})

    kept = all(bool(one.filter(record)) for one in filters if isinstance(one, logging.Filter))

    assert kept is is_logged


def test_that_somebody_was_refused_is_a_line_without_a_traceback() -> None:
    error = PermissionError("no")
    record = logging.LogRecord(
        "django.request", logging.WARNING, "", 1, "Forbidden: /x/", (), (type(error), error, None)
    )
    record.status_code = 403  # type: ignore[attr-defined]

    assert NoRefusedForms().filter(record)

    assert record.exc_info is None
