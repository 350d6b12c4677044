"""Content-Security-Policy, in the words of Django 6 (`SECURE_CSP`: {directive: [sources]}).

`SECURE_CSP_BY_PREFIX` maps a path's beginning to another policy. A response that has a policy keeps it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from django.conf import settings
from django.http import HttpRequest, HttpResponse

HEADER = "Content-Security-Policy"
SELF, NONE = "'self'", "'none'"

Policy = Mapping[str, Sequence[str]]


def header_of(policy: Policy) -> str:
    """Return the header's value."""
    return "; ".join(f"{directive} {' '.join(sources)}" for directive, sources in policy.items())


class ContentSecurityPolicyMiddleware:
    """Send the policy of the path with every response of Django."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.default = header_of(settings.SECURE_CSP)
        self.by_prefix = {
            prefix: header_of(policy) for prefix, policy in settings.SECURE_CSP_BY_PREFIX.items()
        }

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        value = next(
            (value for prefix, value in self.by_prefix.items() if request.path.startswith(prefix)),
            self.default,
        )
        response.headers.setdefault(HEADER, value)
        return response
