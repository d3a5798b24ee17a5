"""The environment that the tests run in: never the developer's own installation."""

import atexit
import os
import secrets
import shutil
import tempfile
from pathlib import Path


def prepare() -> None:
    """Before Django reads its settings. SQLite and a broker of one's own, or the servers that OPSAAS_TEST_… name."""
    wanted = {name: os.environ.get(f"OPSAAS_TEST_{name}", "") for name in ("DATABASE_URL", "REDIS_URL")}
    for name in [name for name in os.environ if name == "DATABASE_URL" or name.startswith("OPSAAS_")]:
        if not name.startswith("OPSAAS_TEST_"):
            del os.environ[name]
    folder = Path(tempfile.mkdtemp(prefix="opsaas-tests-"))
    (folder / "static").mkdir()  # what `collectstatic` would fill on servers
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ["DJANGO_SETTINGS_MODULE"] = "opsaas.settings"
    os.environ["OPSAAS_DATA_DIR"] = str(folder)
    os.environ["OPSAAS_SECRET_KEY"] = secrets.token_urlsafe(50)
    os.environ["OPSAAS_SECRETS_KEYS"] = secrets.token_urlsafe(32)
    os.environ["OPSAAS_BROKER_URL"] = wanted["REDIS_URL"] or f"redis+socket://{folder}/valkey/valkey.sock"
    if wanted["DATABASE_URL"]:
        os.environ["DATABASE_URL"] = wanted["DATABASE_URL"]
