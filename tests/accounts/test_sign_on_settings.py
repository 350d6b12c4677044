"""OIDC_GROUP_ROLES and its neighbours: what they mean, and that a wrong one stops the start with its name."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.accounts.roles import LADDER, rank
from apps.accounts.sso.config import checked_issuer
from apps.accounts.sso.mapping import EVERY, Grant, parse_grants, role_at, roles_of
from tests.accounts.logging_in import PASSWORD


def test_each_entry_is_a_group_and_what_it_gives():
    text = """
        ops -> superuser; cn=sre,ou=groups -> workspace:Shop: EU:editor
        a -> b -> page:acme:viewer; all -> workspace:*:admin
    """

    assert parse_grants(text) == (
        Grant("ops", None),
        Grant("cn=sre,ou=groups", "workspace", "Shop: EU", "editor"),
        Grant("a -> b", "page", "acme", "viewer"),
        Grant("all", "workspace", EVERY, "admin"),
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("sre", "is not GROUP -> ROLES"),
        ("-> superuser", "is not GROUP -> ROLES"),
        ("sre -> root", "gives neither"),
        ("sre -> workspace:Shop", "gives neither"),
        ("sre -> team:Shop:editor", "gives neither"),
        ("sre -> workspace:Shop:owner", "viewer, editor, publisher, admin"),
        ("a -> superuser; sre -> page:acme:", "names no role"),
    ],
)
def test_a_wrong_entry_is_named(text, says):
    with pytest.raises(ValueError, match=says):
        parse_grants(text)


NAMES = st.sampled_from(["Shop", "Bank", EVERY])
ROLES = st.sampled_from([role.value for role in LADDER])
GRANTS = st.lists(
    st.builds(Grant, st.sampled_from("abc"), st.just("workspace"), NAMES, ROLES), max_size=8
)


@given(GRANTS, st.sets(st.sampled_from("abcd")))
def test_a_role_is_the_highest_of_those_that_ones_groups_give(grants, groups):
    given_roles = roles_of(grants, groups)

    for name in ("Shop", "Bank"):
        ranks = [
            rank(one.role) for one in grants if one.group in groups and one.target in (name, EVERY)
        ]
        assert rank(role_at(given_roles.workspaces, name)) == max(ranks, default=-1)


@given(GRANTS, st.sets(st.sampled_from("abc")), st.sampled_from("abc"))
def test_another_group_never_takes_a_role_away(grants, groups, more):
    fewer, all_of_them = roles_of(grants, groups), roles_of(grants, groups | {more})

    for name in ("Shop", "Bank"):
        before = rank(role_at(fewer.workspaces, name))
        assert rank(role_at(all_of_them.workspaces, name)) >= before


@pytest.mark.parametrize("url", ["id.example.com", "ftp://id", "https://a?b=c", "https://u@a/"])
def test_what_cannot_be_an_issuer_is_refused(url):
    with pytest.raises(ValueError, match="expected https"):
        checked_issuer(url)


GOOD = {
    "OIDC_ISSUER": "https://id.example.com/realm",
    "OIDC_CLIENT_ID": "status",
    "OIDC_CLIENT_SECRET": PASSWORD,
    "OIDC_GROUP_ROLES": "sre -> workspace:Shop:editor",
}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"OIDC_CLIENT_ID": ""}, "OIDC_CLIENT_ID: needed"),
        ({"OIDC_GROUP_ROLES": ""}, "OIDC_GROUP_ROLES: needed"),
        ({"OIDC_GROUP_ROLES": "sre -> king"}, "OIDC_GROUP_ROLES: 'sre -> king'"),
        ({"OIDC_ISSUER": "id"}, "OIDC_ISSUER: expected"),
        ({"OIDC_SECOND_FACTOR": "yes"}, "OIDC_SECOND_FACTOR: expected claim, always, never"),
        ({"OIDC_SCOPE": "email"}, "OIDC_SCOPE: expected openid"),
    ],
)
def test_a_wrong_variable_stops_the_start_with_its_name(tmp_path, change, says):
    environment = {**os.environ, **GOOD, **change, "DATA_DIR": str(tmp_path)}
    script = (
        "from django.core.exceptions import ImproperlyConfigured as Wrong\n"
        "try:\n import statusplatform.login_settings\nexcept Wrong as error:\n print(error)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )

    assert says in done.stdout, done.stdout
    assert PASSWORD not in done.stdout
