"""Find the account that a request's bytes and turns count for."""

from fastapi.requests import HTTPConnection

from core.access.turns import Account
from functions.web.access import read_key
from functions.web.context import Context


async def find_account(connection: HTTPConnection) -> Account:
    """Return the account of the key, or of the address if there is no key or it is not known."""
    context: Context = connection.app.state.context
    return context.access.admission.find_account(await read_key(connection))
