"""What staff see when a request fails unexpectedly: never a traceback, and what to do next."""

from __future__ import annotations

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

RETRY_AFTER_S = 5


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 503 when the database is away, locked or gave way to another change, 500 otherwise.

    Django calls it while the exception is handled. It asks nothing of the database.
    """
    if isinstance(sys.exc_info()[1], (OperationalError, InterfaceError)):
        response = HttpResponse(render_to_string("errors/503.html"), status=503)
        response["Retry-After"] = str(RETRY_AFTER_S)
    else:
        response = HttpResponse(render_to_string("errors/500.html"), status=500)
    response["Cache-Control"] = "no-store"
    return response
