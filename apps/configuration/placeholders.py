"""`${NAME}` in a value: read from the environment, written for secrets, escaped as `$${` when meant literally."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPENING = re.compile(r"(\$+)\{")


class PlaceholderError(ValueError):
    """A `${` that names no variable, or one that is not set. The text says which."""


def fill(text: str, environ: Mapping[str, str]) -> str:
    """Return `text` with each `${NAME}` replaced. `$${` stands for `${`. Values are not searched again."""
    parts: list[str] = []
    position = 0
    while opening := _OPENING.search(text, position):
        dollars = opening.group(1)
        parts.append(text[position : opening.start()])
        position = opening.end()
        if len(dollars) > 1:
            parts.append(dollars[1:] + "{")
            continue
        name = NAME.match(text, position)
        if name is None or not text.startswith("}", name.end()):
            raise PlaceholderError(
                "`${` begins a variable, as in ${NAME}; write `$${` for the signs themselves"
            )
        if name.group() not in environ:
            raise PlaceholderError(f"the environment variable {name.group()} is not set")
        parts.append(environ[name.group()])
        position = name.end() + 1
    parts.append(text[position:])
    return "".join(parts)


def escape(text: str) -> str:
    """Return the text that `fill` turns into `text`."""
    return _OPENING.sub(lambda opening: f"${opening.group()}", text)


@dataclass(slots=True)
class Placeholders:
    """The variables that an exported file asks for: {NAME: place of its use}."""

    uses: dict[str, str] = field(default_factory=dict)

    def name(self, *words: str, place: str) -> str:
        """Return a new `${NAME}` made of `words`, such as `${ACME_CHECKOUT_PASSWORD}`."""
        stem = "_".join(filter(None, map(_word, words))) or "SECRET"
        if stem[0].isdigit():
            stem = f"_{stem}"
        name, count = stem, 1
        while name in self.uses:
            count += 1
            name = f"{stem}_{count}"
        self.uses[name] = place
        return f"${{{name}}}"


def _word(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_").upper()
