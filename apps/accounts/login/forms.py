"""The forms of logging in, in the console's words."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import ChangePasswordForm as AllauthChangePasswordForm
from allauth.account.forms import LoginForm as AllauthLoginForm
from allauth.account.forms import ReauthenticateForm as AllauthPasswordForm
from allauth.mfa.base.forms import AuthenticateForm as AllauthAuthenticateForm
from allauth.mfa.base.forms import ReauthenticateForm as AllauthReauthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import AddWebAuthnForm
from django.core.cache import cache
from django.core.exceptions import ValidationError


class LoginForm(AllauthLoginForm):  # type: ignore[misc]
    """Name and password."""

    error_css_class = "error"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = "Username"
        self.fields["password"].help_text = ""
        _plain(self)
        self.fields["login"].widget.attrs["autofocus"] = True

    def add_prefix(self, field_name: str) -> str:
        """Send the name as `username`, the word that password managers know."""
        return str(super().add_prefix("username" if field_name == "login" else field_name))


class ChangePasswordForm(AllauthChangePasswordForm):  # type: ignore[misc]
    """The old password, and twice the new one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["oldpassword"].label = "Present password"
        self.fields["oldpassword"].help_text = ""
        self.fields["password1"].label = "New password"
        self.fields["password2"].label = "New password again"
        _plain(self)


class PasswordForm(AllauthPasswordForm):  # type: ignore[misc]
    """The password again."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].help_text = ""
        _plain(self)


# A code is good in three windows of 30 seconds (MFA_TOTP_TOLERANCE), the library remembers it for one.
CODE_LIVES_S = 120


class OnceOnly:
    """Mixin before a form with a code: what was used once is not taken again while it would still be good."""

    user: Any

    def clean_code(self) -> str:
        code: str = super().clean_code()  # type: ignore[misc]
        digits = "".join(code.split())
        if not cache.add(f"code-used:{self.user.pk}:{digits}", "used", CODE_LIVES_S):
            raise ValidationError("This code was used already: wait for the next one.")
        return code


class AuthenticateForm(OnceOnly, AllauthAuthenticateForm):  # type: ignore[misc]
    """The second factor while logging in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _worded(self)


class ReauthenticateForm(OnceOnly, AllauthReauthenticateForm):  # type: ignore[misc]
    """The second factor again."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _worded(self)


class ActivateForm(OnceOnly, ActivateTOTPForm):  # type: ignore[misc]
    """The first code of an authenticator app."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].label = "Code of the app"
        _plain(self)


class AddKeyForm(AddWebAuthnForm):  # type: ignore[misc]
    """A name for a key, and whether it is a passkey."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].label = "Name"
        self.fields["name"].help_text = "To tell your keys apart, such as “Laptop”."
        if "passwordless" in self.fields:
            self.fields["passwordless"].label = "Also log in without a password (passkey)"
            self.fields[
                "passwordless"
            ].help_text = "The key then asks for your fingerprint, face or PIN."


def _worded(form: Any) -> None:
    form.fields["code"].label = "Code of your authenticator app, or a recovery code"
    form.fields["code"].widget.attrs["autofocus"] = True
    _plain(form)


def _plain(form: Any) -> None:
    for field in form.fields.values():
        # The label says it; a placeholder would be read twice and vanish while typing.
        field.widget.attrs.pop("placeholder", None)
