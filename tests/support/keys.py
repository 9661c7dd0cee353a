"""The keys of the servers under test, and the labels that they show in place of user API keys."""

import hashlib
import hmac

ADMIN_KEY = "ck_" + "a" * 64
SECRET = "a secret of the tests"


def label(user_key: str) -> str:
    """Compute the label of a user API key, independently of the code under test."""
    digest = hmac.new(SECRET.encode(), user_key.encode(), hashlib.sha256).hexdigest()
    return f"{user_key[: 6 if len(user_key) >= 16 else 2]}…#{digest[:12]}"
