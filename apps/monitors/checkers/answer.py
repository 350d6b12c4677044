"""An answer as assertions and extractions see it. Text and JSON are read once, when first asked for."""

from __future__ import annotations

import codecs
import json
import re
from functools import cached_property
from typing import Any

from apps.core.egress import EgressResponse

_CHARSET = re.compile(r"charset\s*=\s*\"?([\w.:+-]+)", re.IGNORECASE)
# Codecs for text only: Python's registry also holds decompressors and quadratic ones.
_CHARSETS = re.compile(
    r"ascii|utf-?(8|16|32).*|iso8859-\d+|cp\d+|koi8-[rtu]|mac-\w+|big5\w*|gb\w+|euc_\w+|shift_jis\w*|hz|iso2022\w*"
)


class Unreadable(ValueError):
    """The answer does not have what is asked for in a form that can be read."""


class Answer:
    """What the server said."""

    def __init__(self, response: EgressResponse) -> None:
        self.response = response

    @cached_property
    def text(self) -> str:
        """The body by its declared charset (UTF-8 without one), with U+FFFD for what does not decode."""
        self._require_whole_body()
        declared = _CHARSET.search(self.response.header("content-type") or "")
        return self.response.body.decode(_codec(declared.group(1) if declared else ""), "replace")

    @cached_property
    def json(self) -> Any:
        """The body as JSON. Unreadable when it is none."""
        self._require_whole_body()
        body = self.response.body
        if not body.strip():
            raise Unreadable("the body is empty, not JSON")
        try:
            return json.loads(body, parse_constant=_refuse_constant)
        except RecursionError:
            raise Unreadable("the body is JSON nested too deeply") from None
        except ValueError:
            kind = (self.response.header("content-type") or "no content type")[:60]
            raise Unreadable(f"the body is not JSON ({kind})") from None

    @property
    def certificate_days_left(self) -> int | None:
        """Whole days from the answer to the certificate's end; negative when it is past; None without one."""
        expires, finished = self.response.certificate_expires_at, self.response.finished_at
        if expires is None or finished is None:
            return None
        return (expires - finished).days

    def excerpt(self, limit: int) -> str:
        """The first characters of the body, also when it was cut."""
        return self.response.body[: limit * 4].decode("utf-8", "replace")

    def _require_whole_body(self) -> None:
        if self.response.body_truncated:
            raise Unreadable("the body was not read whole")


def _codec(charset: str) -> str:
    try:
        name = codecs.lookup(charset).name if charset else "utf-8"
    except (LookupError, ValueError):
        return "utf-8"
    if name == "utf-8":
        return "utf-8-sig"
    return name if _CHARSETS.fullmatch(name) else "utf-8"


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
