from importlib import import_module

from django.apps import AppConfig

from apps.core.keys import holds_tokens


class AccountsConfig(AppConfig):
    name = "apps.accounts"
    label = "accounts"
    verbose_name = "People and workspaces"

    def ready(self) -> None:
        import_module("apps.accounts.login.receivers")
        # The secrets of authenticator apps and recovery codes (login.adapter.MFAAdapter).
        holds_tokens("mfa.Authenticator", "data")
