"""Styles, script and icons of public pages, under names that hold their content's hash.

They are published beside the pages, so that whoever serves the folder serves them too.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.contrib.staticfiles import finders

INDICATORS = ("none", "minor", "major", "critical", "maintenance")
_EMBED_SCRIPT = "embed-script.js"
_SOURCES = (
    "page.css",
    "page.js",
    "embed.css",
    "embed.js",
    *(f"favicon-{indicator}.svg" for indicator in INDICATORS),
)


@dataclass(frozen=True)
class Assets:
    """`names` gives each source's published name, `files` each published name's content.

    `embed_script` has an address without a hash, below each page.
    """

    names: dict[str, str]
    files: dict[str, bytes]
    embed_script: bytes

    @property
    def css(self) -> str:
        return self.names["page.css"]

    @property
    def js(self) -> str:
        return self.names["page.js"]

    @property
    def embed_css(self) -> str:
        return self.names["embed.css"]

    @property
    def embed_js(self) -> str:
        return self.names["embed.js"]

    @property
    def revision(self) -> str:
        """A short digest of all of them; a reader's browser loads the page again when it changes."""
        return hashlib.sha256("".join(sorted(self.files)).encode()).hexdigest()[:12]

    def favicon(self, indicator: str) -> str:
        return self.names[f"favicon-{indicator}.svg"]


@cache
def load_assets() -> Assets:
    """Return the assets as they are on disk, read once per process."""
    names: dict[str, str] = {}
    files: dict[str, bytes] = {}
    for source in _SOURCES:
        content = _read(source)
        stem, _, suffix = source.rpartition(".")
        name = f"{stem}.{hashlib.sha256(content).hexdigest()[:12]}.{suffix}"
        names[source], files[name] = name, content
    return Assets(names, files, embed_script=_read(_EMBED_SCRIPT))


def _read(source: str) -> bytes:
    found = finders.find(f"public/{source}")
    if not isinstance(found, str):
        raise FileNotFoundError(f"static/public/{source}")
    return Path(found).read_bytes()
