"""The admin theme's classes. The one module that imports the theme."""

from unfold.admin import ModelAdmin, StackedInline, TabularInline
from unfold.decorators import action, display
from unfold.sites import UnfoldAdminSite as AdminSite

__all__ = ["AdminSite", "ModelAdmin", "StackedInline", "TabularInline", "action", "display"]
