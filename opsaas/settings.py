"""All settings, read from the environment. docs/settings.md lists them; a test holds the two together."""

from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured
from kombu import Queue

from opsaas import env, reconnecting
from runbooks.domain.guardrails import Each
from runbooks.domain.ports import Level

BASE_DIR = Path(__file__).resolve().parent.parent

# --- Where things are -------------------------------------------------------------------------------------------------
OPSAAS_DATA_DIR = Path(env.text("OPSAAS_DATA_DIR", str(BASE_DIR / "var"))).absolute()
OPSAAS_PORT = env.whole_number("OPSAAS_PORT", 8000, least=1)
OPSAAS_PUBLIC_URL = env.text("OPSAAS_PUBLIC_URL", f"http://127.0.0.1:{OPSAAS_PORT}").rstrip("/")
EMBEDDED = not env.text("DATABASE_URL")
DEBUG = env.flag("OPSAAS_DEBUG", default=False)
SECRET_KEY = env.secret("OPSAAS_SECRET_KEY", fallback=OPSAAS_DATA_DIR / "secret-key" if EMBEDDED else None)
OPSAAS_SECRETS_KEYS = env.keyring(
    "OPSAAS_SECRETS_KEYS", fallback=OPSAAS_DATA_DIR / "secrets-keys" if EMBEDDED else None
)
OPSAAS_AUDIT_KEYS = env.signing_keys(
    "OPSAAS_AUDIT_KEYS",
    fallback=OPSAAS_DATA_DIR / "audit-keys" if EMBEDDED else None,
    origin=f"{OPSAAS_PUBLIC_URL.partition('://')[2]}/audit",
)
OPSAAS_AUDIT_PUSH = env.places("OPSAAS_AUDIT_PUSH")
OPSAAS_AUDIT_STREAM = env.places("OPSAAS_AUDIT_STREAM")
OPSAAS_AUDIT_WITNESSES = env.public_keys("OPSAAS_AUDIT_WITNESSES")
ALLOWED_HOSTS = env.words("OPSAAS_ALLOWED_HOSTS", "127.0.0.1 localhost [::1]")
CSRF_TRUSTED_ORIGINS = [OPSAAS_PUBLIC_URL]

# --- Time constants, in seconds, and sizes ----------------------------------------------------------------------------
OPSAAS_LEASE_SECONDS = env.seconds("OPSAAS_LEASE_SECONDS", 60)
OPSAAS_QUEUE_SECONDS = env.seconds("OPSAAS_QUEUE_SECONDS", 3600)
OPSAAS_RATES = [
    *env.rate("OPSAAS_RATE_RUNBOOK", Each.RUNBOOK),
    *env.rate("OPSAAS_RATE_ACTOR", Each.ACTOR),
    *env.rate("OPSAAS_RATE_TRIGGER", Each.TRIGGER),
]
OPSAAS_STOP_GRACE_SECONDS = env.seconds("OPSAAS_STOP_GRACE_SECONDS", 10)
OPSAAS_SWEEP_SECONDS = env.seconds("OPSAAS_SWEEP_SECONDS", 10)
OPSAAS_DRAIN_SECONDS = env.seconds("OPSAAS_DRAIN_SECONDS", 30)
OPSAAS_OUTPUT_LIMIT_BYTES = env.whole_number("OPSAAS_OUTPUT_LIMIT_BYTES", 1 << 30, least=1024)
ONE_MACHINE = EMBEDDED or env.flag("OPSAAS_EMBEDDED", default=False)
OPSAAS_OUTPUT_DIR = env.folder("OPSAAS_OUTPUT_DIR", OPSAAS_DATA_DIR / "output" if ONE_MACHINE else None)
OPSAAS_ARTIFACTS_LIMIT_BYTES = env.whole_number("OPSAAS_ARTIFACTS_LIMIT_BYTES", 256 * 1024 * 1024)
OPSAAS_SEAL_SECONDS = env.seconds("OPSAAS_SEAL_SECONDS", 60)
OPSAAS_AUDIT_DAYS = env.whole_number("OPSAAS_AUDIT_DAYS", 0)
OPSAAS_AUDIT_CHECKPOINT_SECONDS = env.seconds("OPSAAS_AUDIT_CHECKPOINT_SECONDS", 60)
OPSAAS_OUTPUT_DAYS = env.whole_number("OPSAAS_OUTPUT_DAYS", 0)
OPSAAS_WORKER_ZONES = env.words("OPSAAS_WORKER_ZONES", "default")
OPSAAS_WORKER_SLOTS = env.whole_number("OPSAAS_WORKER_SLOTS", 100, least=1)
OPSAAS_WORKER_CONNECTIONS = env.whole_number("OPSAAS_WORKER_CONNECTIONS", 10, least=2)
OPSAAS_INVENTORIES = env.text("OPSAAS_INVENTORIES")
OPSAAS_INVENTORY_SECONDS = env.seconds("OPSAAS_INVENTORY_SECONDS", 300)
OPSAAS_SCRIPT_PATH = env.text("OPSAAS_SCRIPT_PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
OPSAAS_SCRIPT_SEES = env.folders("OPSAAS_SCRIPT_SEES")
OPSAAS_SCRIPT_USERS = env.numbers("OPSAAS_SCRIPT_USERS", "2000000000-2000004095", least=1000)
OPSAAS_CONTAINMENT_MINIMUM = Level(env.one_of("OPSAAS_CONTAINMENT_MINIMUM", list(Level), default="host"))
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
OPSAAS_BODY_DEPTH = 60

# --- The house --------------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "runbooks.apps.RunbooksConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "guardian",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "runbooks.web.middleware.RequestMiddleware",
    "runbooks.web.middleware.NulMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "runbooks.web.middleware.SessionEndsMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "runbooks.web.middleware.DenialMiddleware",
]
ROOT_URLCONF = "opsaas.urls"
ASGI_APPLICATION = "opsaas.asgi.application"
WSGI_APPLICATION = "opsaas.wsgi.application"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "runbooks" / "web" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "libraries": {name: f"runbooks.web.templatetags.{name}" for name in ("ui", "runs")},
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "runbooks.web.context.everywhere",
            ],
        },
    }
]

# --- Database ---------------------------------------------------------------------------------------------------------
if EMBEDDED:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(OPSAAS_DATA_DIR / "opsaas.sqlite3"),
            "CONN_MAX_AGE": 60,
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": (
                    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;"
                    " PRAGMA recursive_triggers=ON; PRAGMA busy_timeout=20000;"
                ),
            },
        }
    }
else:
    named = environ.Env().db("DATABASE_URL")
    if named["ENGINE"] != "django.db.backends.postgresql":
        raise ImproperlyConfigured("DATABASE_URL must name a PostgreSQL database: postgres://user@host/name")
    reconnecting.steadily(seconds=0.5)
    OPTIONS = {
        # Shared by all threads of a process; they give connections back before they wait.
        "pool": {"min_size": 0, "max_size": OPSAAS_WORKER_CONNECTIONS, "timeout": 20},
        "connect_timeout": 5,
        # The same few dozen statements run all day: planning them anew took half of the database's time.
        "server_side_binding": True,
        "prepare_threshold": 3,
    }
    DATABASES = {"default": {**named, "CONN_HEALTH_CHECKS": True, "OPTIONS": {**named.get("OPTIONS", {}), **OPTIONS}}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "runbooks_cache"}}

# --- Broker: hints only -----------------------------------------------------------------------------------------------
OPSAAS_BROKER_SOCKET_FILE = OPSAAS_DATA_DIR / "broker-url"
OPSAAS_BROKER_URL = env.text("OPSAAS_BROKER_URL") or (
    OPSAAS_BROKER_SOCKET_FILE.read_text().strip()
    if EMBEDDED and OPSAAS_BROKER_SOCKET_FILE.exists()
    else f"redis+socket://{OPSAAS_DATA_DIR}/valkey.sock"
)

CELERY_BROKER_URL = OPSAAS_BROKER_URL
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {"write_timeout": 5}
    if OPSAAS_BROKER_URL.startswith("amqp")
    else {"socket_connect_timeout": 2, "socket_timeout": 5, "socket_keepalive": True}
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_POOL_LIMIT = 4
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False  # the claim in the database decides; a message is a hint
CELERY_TASK_DEFAULT_QUEUE = "opsaas"
# A hint that is lost with its worker is sent again: on Redis each would cost three more round trips to acknowledge. On
# RabbitMQ acknowledgements are what keeps one worker from taking all there is.
CELERY_TASK_QUEUES = [  # that a worker listens to: one for each zone, see outbox.queue_of
    Queue("opsaas" if zone == "default" else f"opsaas.{zone}", no_ack=OPSAAS_BROKER_URL.startswith(("redis", "rediss")))
    for zone in OPSAAS_WORKER_ZONES
]
CELERY_WORKER_CONCURRENCY = OPSAAS_WORKER_SLOTS
CELERY_WORKER_POOL = "threads"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_DISABLE_PREFETCH = OPSAAS_BROKER_URL.startswith(("redis", "rediss"))
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False  # who reaches the broker may send hints, and not command workers
CELERY_DB_REUSE_MAX = 1000 if EMBEDDED else None  # a thread at rest must not keep a place in the pool
CELERY_TIMEZONE = "UTC"

# --- People and sign-in -----------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "runbooks.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
SILENCED_SYSTEM_CHECKS = ["guardian.W001"]  # rights are decided in runbooks.access, never by has_perm
ANONYMOUS_USER_NAME = None
GUARDIAN_MONKEY_PATCH_USER = False
GUARDIAN_MONKEY_PATCH_GROUP = False
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "runbooks.web.accounts.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_LOGOUT_REDIRECT_URL = "/accounts/login/"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip,5/5m/key"}
MFA_FORMS = {
    "authenticate": "runbooks.web.second_factor.CodeForm",
    "reauthenticate": "runbooks.web.second_factor.CodeAgainForm",
}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
SESSION_COOKIE_AGE = 12 * 3600
OPSAAS_SESSION_IDLE_SECONDS = env.seconds("OPSAAS_SESSION_IDLE_SECONDS", 4 * 3600)
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_NAME = "opsaas_session"
CSRF_COOKIE_NAME = "opsaas_csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = OPSAAS_PUBLIC_URL.startswith("https://")
CSRF_COOKIE_HTTPONLY = False

# --- Edges ------------------------------------------------------------------------------------------------------------
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31536000 if SESSION_COOKIE_SECURE else 0
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if env.flag("OPSAAS_BEHIND_PROXY", default=False) else None
)
CSRF_FAILURE_VIEW = "opsaas.errors.csrf_failure"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["runbooks.api.authentication.TokenOrSession"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["runbooks.api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "runbooks.api.problems.answer",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "opsaas",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
}

# --- Mail -------------------------------------------------------------------------------------------------------------
DEFAULT_FROM_EMAIL = env.text("OPSAAS_EMAIL_FROM", "opsaas@localhost")
EMAIL_TIMEOUT = 10
if env.text("OPSAAS_EMAIL_URL"):
    vars().update(environ.Env().email_url("OPSAAS_EMAIL_URL"))
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = str(OPSAAS_DATA_DIR / "mail")

# --- Calls to addresses that people give ------------------------------------------------------------------------------
OPSAAS_OUTGOING_ALLOW = env.allowed_hosts("OPSAAS_OUTGOING_ALLOW")

# --- The rest ---------------------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = ONE_MACHINE  # else `collectstatic` gathers them
STATIC_ROOT = None if WHITENOISE_USE_FINDERS else Path(env.text("OPSAAS_STATIC_ROOT", str(OPSAAS_DATA_DIR / "static")))

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.text("OPSAAS_LOG_LEVEL", "WARNING").upper()},
}
