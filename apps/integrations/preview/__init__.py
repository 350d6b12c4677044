"""What an integration does, told before it does it: in sentences for a form, change by change for a rehearsal."""

from __future__ import annotations

from apps.integrations.preview.draft import Draft, DraftLink, draft_of
from apps.integrations.preview.scene import Scene, scene_of
from apps.integrations.preview.words import Line, Preview, preview_of

__all__ = [
    "Draft",
    "DraftLink",
    "Line",
    "Preview",
    "Scene",
    "draft_of",
    "preview_of",
    "scene_of",
]
