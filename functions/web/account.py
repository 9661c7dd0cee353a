"""Find the account that a request's bytes and turns count for."""

from fastapi.requests import HTTPConnection

from core.access.turns import Account
from functions.web.access import read_key
from functions.web.address import find_address
from functions.web.context import Context


async def find_account(connection: HTTPConnection) -> Account:
    """Return the account of the key, or of the address if there is no key or it is not known."""
    context: Context = connection.app.state.context
    key = await read_key(connection)
    known = None if key is None else context.access.find_account(key)
    return known or Account(f"address:{find_address(connection, context.settings)}")
