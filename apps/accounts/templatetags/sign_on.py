"""What the log-in page says about single sign-on."""

from __future__ import annotations

from django import template
from django.conf import settings

register = template.Library()


@register.simple_tag
def single_sign_on() -> str:
    """Return the identity provider's name; "" where there is none."""
    return settings.OIDC.name if settings.OIDC else ""
