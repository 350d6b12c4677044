"""What a checker is told: a monitor's definition as values, read from rows by the caller."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any, Literal

from apps.core.egress import EgressRequest
from apps.monitors.checkers.operators import PHRASES, PRESENCE
from apps.monitors.checkers.redaction import SHOWN, Redactor, cut, shown
from apps.monitors.checkers.substitute import placeholders
from apps.monitors.confidential import is_secret_header


class Unset(Enum):
    """The absence of a JSON value, which null is not."""

    UNSET = "unset"


UNSET = Unset.UNSET

AuthType = Literal["none", "basic", "bearer", "api_key"]


@dataclass(frozen=True)
class AuthSpec:
    """How a request proves who asks. `location` (header or query), `key` and `value` belong to `api_key`."""

    type: AuthType = "none"
    username: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    key: str = ""
    value: str = field(default="", repr=False)
    location: Literal["header", "query"] = "header"

    @classmethod
    def from_config(cls, auth: Mapping[str, Any] | None) -> AuthSpec:
        """Read the configuration's form, `{type: api_key, key: …, value: …, in: header}`."""
        given = dict(auth or {})
        location = given.pop("in", "header")
        return cls(location=location, **given)


@dataclass(frozen=True)
class Verdict:
    """One assertion's result. `text` says what was asserted, `message` why it failed; both are masked and short.

    `actual` says what was found where it passed, in runs that are told in full.
    """

    text: str
    passed: bool
    message: str = ""
    actual: str = ""


@dataclass(frozen=True)
class AssertionSpec:
    """`source` and `operator` as in docs/configuration.md; `name` is a header's, `path` a JSONPath (RFC 9535)."""

    source: str
    operator: str
    value: Any = None
    name: str = ""
    path: str = ""

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> AssertionSpec:
        """Read the configuration's form. What only asks for presence has no value."""
        given = dict(config)
        if given["operator"] in PRESENCE:
            given.pop("value", None)
        return cls(**given)

    def words(self, mask: Callable[[str], str]) -> str:
        """Say what is asserted, as configured: variables by name. `mask` is applied to every text before it is cut."""
        said = [self.source]
        if self.source == "header":
            said.append(self.name)
        elif self.source == "json":
            said.append(self.path)
        said.append(PHRASES.get(self.operator, self.operator))
        if self.operator not in PRESENCE:
            said.append(shown(self.value, mask))
        return cut(mask(" ".join(said)), 2 * SHOWN + 60)

    @cached_property
    def plain_words(self) -> str:
        """The words where there is nothing to mask."""
        return self.words(Redactor().mask)

    @cached_property
    def by_status(self) -> dict[int | None, Verdict]:
        """The checker's own: what it came to where a status alone decides."""
        return {}

    @cached_property
    def is_literal(self) -> bool:
        """Whether it names no variable."""
        return not placeholders([self.name, self.path, self.value])


@dataclass(frozen=True)
class ExtractionSpec:
    """A value of the answer for a variable: of a `header` (`name`), the `json` (`path`) or the `body` (`pattern`)."""

    variable: str
    source: str
    name: str = ""
    path: str = ""
    pattern: str = ""


@dataclass(frozen=True)
class RequestSpec:
    """One request. `body` is text to send as it is, `json` any JSON value; at most one of them."""

    name: str
    url: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: str | None = field(default=None, repr=False)
    json: Any = field(default=UNSET, repr=False)
    auth: AuthSpec = field(default_factory=AuthSpec)
    assertions: tuple[AssertionSpec, ...] = ()
    extractions: tuple[ExtractionSpec, ...] = ()

    @cached_property
    def is_literal(self) -> bool:
        """Whether it names no variable and holds no secret: it is the same in every run."""
        json = [] if self.json is UNSET else self.json
        texts = [self.url, self.body or "", json, *(text for pair in self.headers for text in pair)]
        return (
            self.auth.type == "none"
            and not placeholders(texts)
            and not any(is_secret_header(name) for name, _ in self.headers)
        )

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> RequestSpec:
        """Read a request in the configuration's form, with all its keys, after the checker's form has passed it."""
        # An empty text beside a JSON value is no second body.
        body = config.get("body") if "json" not in config else None
        return cls(
            name=config["name"],
            url=config["url"],
            method=config["method"],
            headers=tuple(config["headers"].items()),
            body=body,
            json=config.get("json", UNSET),
            auth=AuthSpec.from_config(config["auth"]),
            assertions=tuple(AssertionSpec.from_config(one) for one in config["assertions"]),
            extractions=tuple(ExtractionSpec(**one) for one in config["extract"]),
        )


@dataclass(frozen=True)
class MonitorSpec:
    """One monitor of any kind. Variables are plain text by name; a secret one wins over a plain one of its name.

    `is_told_in_full`: a person waits for the run, so also what passed is recorded: bodies, and what assertions found.
    `built` is the checker's own: what it has made of requests that are the same in every run, by their position.
    """

    kind: str = "http"
    timeout_s: float = 10.0
    run_limit_s: float = 120.0
    retries: int = 0
    retry_delay_s: float = 0.0
    follow_redirects: bool = True
    verify_tls: bool = True
    variables: Mapping[str, str] = field(default_factory=dict)
    secret_variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    requests: tuple[RequestSpec, ...] = ()
    is_told_in_full: bool = False
    built: dict[int, EgressRequest] = field(default_factory=dict, compare=False, repr=False)
