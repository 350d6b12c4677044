"""The addresses of logging in. Only those of allauth's that are wanted: nobody signs up here."""

from __future__ import annotations

from allauth.account import views as account
from allauth.mfa.base import views as factors
from allauth.mfa.recovery_codes import views as recovery
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as keys
from django.conf import settings
from django.urls import path, re_path

from apps.accounts.login import views
from apps.accounts.sso import views as sso

urlpatterns = [
    path("", views.overview, name="account_overview"),
    path("sessions/end/", views.end_one, name="account_end_session"),
    path("sessions/end-others/", views.end_others, name="account_end_other_sessions"),
    path("login/", account.login, name="account_login"),
    path("logout/", account.logout, name="account_logout"),
    path("inactive/", account.account_inactive, name="account_inactive"),
    path("confirm/", account.reauthenticate, name="account_reauthenticate"),
    path("password/", account.password_change, name="account_change_password"),
    path("password/none/", views.no_password, name="account_set_password"),
    path("sign-on/", sso.leave, name="sign_on"),
    path("sign-on/callback/", sso.come_back, name="sign_on_callback"),
    path("second-factors/", factors.index, name="mfa_index"),
    path("login/second-factor/", factors.authenticate, name="mfa_authenticate"),
    path("confirm/second-factor/", factors.reauthenticate, name="mfa_reauthenticate"),
    path("confirm/key/", keys.reauthenticate_webauthn, name="mfa_reauthenticate_webauthn"),
    path("login/passkey/", keys.login_webauthn, name="mfa_login_webauthn"),
    path("second-factors/app/add/", totp.activate_totp, name="mfa_activate_totp"),
    path("second-factors/app/remove/", totp.deactivate_totp, name="mfa_deactivate_totp"),
    path("second-factors/keys/", views.keys, name="mfa_list_webauthn"),
    path("second-factors/keys/add/", keys.add_webauthn, name="mfa_add_webauthn"),
    path("second-factors/keys/<int:pk>/", keys.edit_webauthn, name="mfa_edit_webauthn"),
    path("second-factors/keys/<int:pk>/remove/", keys.remove_webauthn, name="mfa_remove_webauthn"),
    path("second-factors/codes/", recovery.view_recovery_codes, name="mfa_view_recovery_codes"),
    path(
        "second-factors/codes/new/",
        recovery.generate_recovery_codes,
        name="mfa_generate_recovery_codes",
    ),
    path(
        "second-factors/codes/file/",
        recovery.download_recovery_codes,
        name="mfa_download_recovery_codes",
    ),
]

if settings.PASSWORD_RESET_BY_MAIL:
    urlpatterns += [
        path("password/forgotten/", account.password_reset, name="account_reset_password"),
        path(
            "password/forgotten/sent/",
            account.password_reset_done,
            name="account_reset_password_done",
        ),
        re_path(
            r"^password/new/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
            account.password_reset_from_key,
            name="account_reset_password_from_key",
        ),
        path(
            "password/new/done/",
            account.password_reset_from_key_done,
            name="account_reset_password_from_key_done",
        ),
    ]
