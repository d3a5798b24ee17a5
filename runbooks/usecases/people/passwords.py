from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from runbooks.domain.problems import Invalid, Problem
from runbooks.models import User


def check_password(password: str, *, user: User, pointer: str) -> None:
    """Raises Invalid with every rule that it breaks."""
    try:
        validate_password(password, user=user)
    except ValidationError as error:
        raise Invalid([Problem(pointer, "weak_password", message) for message in error.messages]) from error
