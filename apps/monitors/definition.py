"""A monitor as people define it: what the admin, the API and the configuration file all build.

The keys, their meaning and their defaults are those of docs/configuration.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

from apps.monitors.checkers.spec import AuthSpec, MonitorSpec, RequestSpec


@dataclass(frozen=True, slots=True)
class CrontabSpec:
    """Five fields, read in an IANA time zone."""

    expression: str
    time_zone: str = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorDefinition:
    """One monitor. `locations` are codes, `parents` names of live monitors of the same workspace.

    Either `interval_s` or `crontab` is set, the other None. `requests` come from the checker's own forms.
    """

    workspace_id: int
    name: str
    kind: str = "http"
    enabled: bool = True
    interval_s: int | None = 60
    crontab: CrontabSpec | None = None
    timeout_s: float = 10.0
    run_limit_s: float = 120.0
    retries: int = 0
    retry_delay_s: float = 0.0
    failure_threshold: int = 1
    recovery_threshold: int = 1
    locations: tuple[str, ...] = ("default",)
    quorum: int = 1
    follow_redirects: bool = True
    verify_tls: bool = True
    tags: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    secret_variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    requests: tuple[RequestSpec, ...] = ()

    @property
    def spec(self) -> MonitorSpec:
        """What the checker is told."""
        return MonitorSpec(
            kind=self.kind,
            timeout_s=self.timeout_s,
            run_limit_s=self.run_limit_s,
            retries=self.retries,
            retry_delay_s=self.retry_delay_s,
            follow_redirects=self.follow_redirects,
            verify_tls=self.verify_tls,
            variables=self.variables,
            secret_variables=self.secret_variables,
            requests=self.requests,
        )

    def canonical(self) -> MonitorDefinition:
        """Return the definition with everything whose order means nothing in one order, for comparison."""
        return replace(
            self,
            locations=tuple(sorted(self.locations)),
            parents=tuple(sorted(self.parents)),
            variables=dict(self.variables),
            secret_variables=dict(self.secret_variables),
            requests=tuple(
                replace(request, headers=tuple(sorted(request.headers)))
                for request in self.requests
            ),
        )


_AUTH_KEYS: dict[str, tuple[str, ...]] = {
    "none": (),
    "basic": ("username", "password"),
    "bearer": ("token",),
    "api_key": ("key", "value"),
}


def auth_config(auth: AuthSpec) -> dict[str, str]:
    """Return the configuration's form of an AuthSpec: the keys of its type only."""
    values = asdict(auth)
    config = {"type": auth.type, **{key: values[key] for key in _AUTH_KEYS[auth.type]}}
    if auth.type == "api_key":
        config["in"] = auth.location
    return config
