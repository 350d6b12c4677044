"""Masking what must not be recorded: secret variables, credentials, and values taken from answers."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote, quote_plus

from apps.core.egress import spellings_in_urls

MASK = "•••"
# An extracted "1" is no secret, and masking it would blot out every number in a report.
_MIN_EXTRACTED = 4
# So much of a value is shown in a sentence.
SHOWN = 120
_USERINFO = re.compile(r"(?<=://)[^/@\s]*@")
_AS_CODES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})
# A database keeps neither NUL nor half a surrogate pair in its text.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class Redactor:
    """Masks the values it was told, in the spellings in which they travel. The longest are masked first."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._spellings: dict[str, None] = {}
        for secret in secrets:
            self.add_secret(secret)

    @property
    def is_empty(self) -> bool:
        """Whether it was told nothing to mask."""
        return not self._spellings

    def add_secret(self, value: str) -> None:
        if value:
            self._add(value)

    def add_extracted(self, value: str) -> None:
        if len(value) >= _MIN_EXTRACTED:
            self._add(value)

    def mask(self, text: str) -> str:
        """Return `text` with every known value masked, without what a database cannot keep."""
        for spelling in self._spellings:
            if spelling in text:
                text = text.replace(spelling, MASK)
        if text.isascii() and "\0" not in text:
            return text
        return _UNSTORABLE.sub("\ufffd", text)

    def mask_url(self, url: str) -> str:
        """Mask a URL, user and password in it included."""
        return self.mask(_USERINFO.sub(f"{MASK}@", url) if "@" in url else url)

    def _add(self, value: str) -> None:
        raw = value.encode("utf-8", "replace")
        in_json = json.dumps(value)[1:-1]
        spellings = {
            value,
            quote(raw, safe=""),
            quote(raw),
            quote_plus(raw),
            html.escape(value),
            in_json,
            json.dumps(value, ensure_ascii=False)[1:-1],
            # As PHP and Go write JSON.
            in_json.replace("/", "\\/"),
            in_json.translate(_AS_CODES),
        }
        spellings |= {one for one in spellings_in_urls(value) if len(one) >= _MIN_EXTRACTED}
        if len(raw) >= _MIN_EXTRACTED:
            spellings.add(base64.b64encode(raw).decode())
        known = {**self._spellings, **dict.fromkeys(spellings)}
        self._spellings = dict.fromkeys(sorted(known, key=len, reverse=True))


def cut(text: str, limit: int) -> str:
    """Shorten a text that is masked already, showing that it was."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def shown(value: Any, mask: Callable[[str], str]) -> str:
    """Return a JSON value for a sentence. A text is masked before it is quoted and cut, so that no half of a secret is left."""
    if isinstance(value, str):
        return cut(json.dumps(mask(value), ensure_ascii=False), SHOWN)
    return cut(mask(json.dumps(value, ensure_ascii=False)), SHOWN)
