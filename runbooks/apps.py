from django.apps import AppConfig

from runbooks import checks  # noqa: F401  (Django registers what it holds)


class RunbooksConfig(AppConfig):
    name = "runbooks"
    default_auto_field = "django.db.models.BigAutoField"
