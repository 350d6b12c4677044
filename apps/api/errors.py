"""One JSON body for every error of the native API: contract of incident.io's status pages API, section 8."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "resource_forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    409: "conflict",
    413: "payload_too_large",
    422: "validation_error",
    429: "too_many_requests",
}


def answer(error: Exception, context: dict[str, Any]) -> Response | None:
    """Return {type, status, request_id, errors: [{code, message}]}; None for what is no refusal."""
    response: Response | None = exception_handler(error, context)
    if response is None:
        return None
    response.data = {
        "type": TYPES.get(response.status_code, "invalid_request_error"),
        "status": response.status_code,
        "request_id": str(uuid4()),
        "errors": [{"code": _code(error), "message": _message(error)}],
    }
    return response


def _code(error: Exception) -> str:
    if isinstance(error, exceptions.NotAuthenticated):
        return "missing_authorization_material"
    return str(error.get_codes()) if isinstance(error, exceptions.APIException) else "not_found"


def _message(error: Exception) -> str:
    return str(error.detail) if isinstance(error, exceptions.APIException) else "There is none."
