"""Django's settings: one file, read from the environment only (see env.py and the README's table)."""

from __future__ import annotations

import sys
from urllib.parse import urlsplit

from django.urls import reverse_lazy

from statusplatform import env
from statusplatform.login_settings import *  # noqa: F403  A part of this file, as Django reads it.

BASE_DIR = env.BASE_DIR
DATA_DIR = env.data_dir()
DATA_DIR.mkdir(parents=True, exist_ok=True)

DEBUG = False
SECRET_KEY = env.secret_key()
FIELD_ENCRYPTION_KEYS = env.field_encryption_keys()
FIELD_ENCRYPTION_KEYS_FILE = env.field_encryption_keys_file()
# The platform writes only the file that it made itself.
FIELD_ENCRYPTION_KEYS_ARE_OURS = env.generated_keys_file() == FIELD_ENCRYPTION_KEYS_FILE

PUBLIC_URL = env.public_url()
PUBLIC_IS_HTTPS = urlsplit(PUBLIC_URL).scheme == "https"
PAGES_DOMAIN = env.text("PAGES_DOMAIN", "localhost")
PUBLISHED_DIR = env.published_dir()

ALLOWED_HOSTS = [
    *env.words("ALLOWED_HOSTS"),
    str(urlsplit(PUBLIC_URL).hostname),
    "localhost",
    "127.0.0.1",
    "[::1]",
]
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]

INSTALLED_APPS = [
    "apps.console.apps.ThemeConfig",
    "django.forms",  # its widgets' templates, for TemplatesSetting below
    "apps.console.apps.ConsoleConfig",  # the AdminSite; Django's admin with our site
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_celery_beat",
    "allauth",  # its mails' and messages' texts
    "allauth.account",
    "allauth.mfa",
    "statusplatform",
    "apps.core.apps.CoreConfig",
    "apps.accounts.apps.AccountsConfig",
    "apps.pages.apps.PagesConfig",
    "apps.monitors.apps.MonitorsConfig",
    "apps.incidents.apps.IncidentsConfig",
    "apps.publishing.apps.PublishingConfig",
    "apps.integrations.apps.IntegrationsConfig",
    "apps.configuration.apps.ConfigurationConfig",
    "apps.api.apps.ApiConfig",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "apps.core.csp.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "apps.core.origins.OriginMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "apps.accounts.login.middleware.LoginSessionMiddleware",
    "apps.accounts.login.middleware.SecondFactorMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "statusplatform.urls"
WSGI_APPLICATION = "statusplatform.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

DATABASES = {"default": env.database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

LANGUAGE_CODE = "en"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "statusplatform.storage.StaticStorage"},
}

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PUBLIC_IS_HTTPS
SESSION_COOKIE_SAMESITE = "Lax"
SECURE_SSL_REDIRECT = PUBLIC_IS_HTTPS and env.boolean("SSL_REDIRECT", default=False)
SECURE_HSTS_SECONDS = env.integer("HSTS_SECONDS", default=31_536_000 if PUBLIC_IS_HTTPS else 0)
# Whether the whole domain is https is not ours to promise, and the proxy in front redirects.
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = False
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W008", "security.W021"]
# Whether the proxy in front tells who asks (X-Forwarded-For) and how (X-Forwarded-Proto).
TRUST_PROXY = env.boolean("TRUST_PROXY", default=False)
if TRUST_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
X_FRAME_OPTIONS = "DENY"
# A page with hundreds of components is one form in the admin.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000
SECURE_REFERRER_POLICY = "same-origin"
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# Nothing inline, nothing foreign. The admin's theme evaluates expressions in attributes and sets styles.
SECURE_CSP = {
    "default-src": ["'self'"],
    "img-src": ["'self'", "data:"],
    "object-src": ["'none'"],
    "base-uri": ["'none'"],
    "form-action": ["'self'"],
    "frame-ancestors": ["'none'"],
}
SECURE_CSP_BY_PREFIX = {
    "/admin/": SECURE_CSP
    | {
        "script-src": ["'self'", "'unsafe-eval'"],
        "style-src": ["'self'", "'unsafe-inline'"],
    }
}

EMAIL = env.email()
EMAIL_BACKEND = EMAIL["EMAIL_BACKEND"]
EMAIL_HOST = EMAIL.get("EMAIL_HOST") or ""
EMAIL_PORT = EMAIL.get("EMAIL_PORT") or 25
EMAIL_HOST_USER = EMAIL.get("EMAIL_HOST_USER") or ""
EMAIL_HOST_PASSWORD = EMAIL.get("EMAIL_HOST_PASSWORD") or ""
EMAIL_USE_TLS = EMAIL.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = EMAIL.get("EMAIL_USE_SSL", False)

# Networks that checks and deliveries may reach although they are private (see core/egress).
EGRESS_ALLOW = env.networks("EGRESS_ALLOW")
EGRESS_CA_FILE = env.text("EGRESS_CA_FILE")

UNFOLD = {
    "SITE_TITLE": "Status platform",
    "SITE_HEADER": "Status platform",
    "SITE_SYMBOL": "monitor_heart",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": "apps.console.assets.favicon"}
    ],
    "SITE_URL": None,
    "SHOW_VIEW_ON_SITE": False,
    "STYLES": ["apps.console.assets.style"],
    "SCRIPTS": ["apps.console.assets.script"],
    "COLORS": {
        "primary": {
            "50": "oklch(97.1% .013 237)",
            "100": "oklch(94.3% .03 237)",
            "200": "oklch(89% .06 237)",
            "300": "oklch(81% .1 238)",
            "400": "oklch(72% .135 240)",
            "500": "oklch(62% .15 245)",
            "600": "oklch(52% .145 250)",
            "700": "oklch(46% .13 252)",
            "800": "oklch(40% .11 253)",
            "900": "oklch(35% .09 254)",
            "950": "oklch(26% .07 256)",
        }
    },
    "ACCOUNT": {
        "navigation": [{"title": "Your account", "link": reverse_lazy("account_overview")}]
    },
    "SIDEBAR": {"show_search": True, "navigation": "apps.console.navigation.sidebar"},
}

# Runs are kept for so many days; what is counted of them by hour and day stays.
RUN_RETENTION_DAYS = env.integer("RUN_RETENTION_DAYS", default=14, at_least=1, at_most=3650)

CELERY_BROKER_URL = env.broker_url()
BROKER_DIR = DATA_DIR / "broker"

LOG_LEVEL = env.text("LOG_LEVEL", "INFO").upper()
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "line", "stream": sys.stderr}
    },
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "filters": {
        "one line per outage": {"()": "statusplatform.logs.OneLinePerOutage"},
        "no refused forms": {"()": "statusplatform.logs.NoRefusedForms"},
    },
    # At INFO these write several lines a second, one for each message, which say nothing.
    "loggers": {
        name: {
            "level": "WARNING" if LOG_LEVEL == "INFO" else LOG_LEVEL,
            "filters": ["one line per outage"],
        }
        for name in (
            "celery.app.trace",
            "celery.beat",
            "celery.worker.strategy",
            "django_celery_beat.schedulers",
            "kombu",
        )
    }
    | {
        name: {"filters": ["one line per outage"]}
        for name in ("celery.worker.consumer.consumer", "statusplatform.readiness")
    }
    | {"django.request": {"filters": ["no refused forms"]}},
}
