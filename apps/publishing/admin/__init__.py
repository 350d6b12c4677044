"""What publishing lends to the screens of pages."""

from apps.publishing.admin import lending

__all__ = ["lending"]
