"""The named constraints that a caller's input can violate, and the error messages for them."""

from psycopg import IntegrityError
from psycopg.errors import UniqueViolation

from core.errors import InvalidInputError, ThunderError

MESSAGES = {
    "alerts_name_length": "name: must have 1 to 200 characters",
    "api_keys_name_length": "name: must have 1 to 200 characters",
    "collections_name_key": "name: another collection has this name; choose another name",
    "collections_name_length": "name: must have 1 to 200 characters",
    "discussions_username_length": "username: must have 1 to 200 characters",
    "environment_app_name_length": "app_name: must have 1 to 200 characters",
    "legal_holds_reason_length": "reason: must have 1 to 1000 characters",
    "outcomes_source_length": "source: must have 1 to 200 characters",
    "requests_request_id_length": "request_id: must have 1 to 512 characters",
}


class TakenError(ThunderError):
    """Another row has this unique value."""

    status = 409


def find_violation_error(error: IntegrityError) -> ThunderError | None:
    """Return the error for the caller; None if the violation is a bug."""
    message = MESSAGES.get(error.diag.constraint_name or "")
    if message is None:
        return None
    return TakenError(message) if isinstance(error, UniqueViolation) else InvalidInputError(message)
