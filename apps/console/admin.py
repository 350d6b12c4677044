"""Periodic tasks are the platform's own (statusplatform/schedule.py): nobody edits them by hand."""

from __future__ import annotations

import django_celery_beat.admin  # noqa: F401  (registers what is taken off the site here)
from django.apps import apps
from django.contrib import admin

for _model in apps.get_app_config("django_celery_beat").get_models():
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)
