"""/auth/…: the identity of the caller, the cookie of a browser, and the management of API keys."""

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from core.access.bootstrap import BootstrapRequest, bootstrap
from core.access.caller import Caller, ForbiddenError, Scope, UnauthorizedError
from core.access.keys import (
    DEFAULT_OVERLAP_HOURS,
    CreatedKey,
    KeyChange,
    NewKey,
    create_key,
    list_keys,
    revoke_key,
    rotate_key,
    update_key,
)
from core.access.sign_ins import sign_in, sign_in_by_link, sign_out, sign_out_everywhere
from core.access.store import KeyRow
from core.wire.models import Body
from functions.web.access import KeyDep, comes_from_own_page, read_cookies, set_cookie
from functions.web.address import find_address
from functions.web.context import ContextDep
from functions.web.done import Done
from functions.web.query import RowId
from functions.web.scaling import Scaling
from functions.web.small_body import SmallBodyRoute

SCALING = Scaling(max_inputs=50, target_inputs=30, memory_mb=256)

router = APIRouter(tags=["auth"], prefix="/auth", route_class=SmallBodyRoute)


class Identity(BaseModel):
    """The identity of the caller: the name of the key, its user, and whether it sees the requests of all users."""

    name: str
    allowed_api_key: str | None
    is_admin: bool
    reads_all: bool


class Validation(Identity):
    """The identity of the caller, as the UI needs it to sign in."""

    valid: bool = True
    message: str = "this key is live"


class Keys(BaseModel):
    """All API keys."""

    keys: list[KeyRow]
    total: int


class KeyReference(Body):
    """The id of an API key."""

    id: RowId


class Rotation(Body):
    """The time that the old key stays valid, in hours. Fractions are allowed."""

    overlap_hours: float = DEFAULT_OVERLAP_HOURS


class SignInRequest(Body):
    """The token of a link from `make run`. Omit it to sign in with a key."""

    link: str | None = Field(default=None, max_length=200)


class SignedOut(BaseModel):
    """The result of signing out."""

    message: str = "signed out"


@router.get("/validate")
async def validate(context: ContextDep, key: KeyDep) -> Validation:
    """Check an API key and return its identity. Answers 401 if the key is not valid."""
    return Validation(**_identify(await context.access.authenticate(key)).model_dump())


@router.get("/me")
async def get_me(context: ContextDep, key: KeyDep) -> Identity:
    """Return the identity of the caller."""
    return _identify(await context.access.authenticate(key))


@router.post("/sign-in")
async def post_sign_in(
    request: Request, response: Response, asked: SignInRequest, context: ContextDep, key: KeyDep
) -> Identity:
    """Sign this browser in with a key or a link. The answer sets a cookie with the rights of the key.

    Only pages of this origin may call this. Programs send their key with each request instead.
    """
    if not comes_from_own_page(request):
        raise ForbiddenError("Origin: only pages of this origin can sign in; send the key with each request instead")
    made = await (sign_in(context.access, key) if asked.link is None else sign_in_by_link(context.access, asked.link))
    await sign_out(context.access, await read_cookies(request))
    await set_cookie(request, response, made.token)
    return _identify(made.caller)


@router.post("/sign-out")
async def post_sign_out(
    request: Request, response: Response, context: ContextDep, key: KeyDep, *, everywhere: bool = False
) -> SignedOut:
    """Sign this browser out, or all browsers of the key. Every process refuses their cookies from the next request on.

    With `everywhere`, a program can call this with the key.
    """
    tokens = await read_cookies(request)
    if everywhere:
        count = await sign_out_everywhere(context.access, key)
        await sign_out(context.access, tokens)  # the cookie may be of another key than X-API-Key
        if tokens:
            await set_cookie(request, response, None)
        return SignedOut(message=f"signed out in {count} browser{'' if count == 1 else 's'}")
    if not tokens:
        raise UnauthorizedError("cookie: missing, or not sent by a page of this origin; sign in first")
    await sign_out(context.access, tokens)
    await set_cookie(request, response, None)
    return SignedOut()


@router.post(
    "/bootstrap",
    responses={
        409: {"description": "an admin key already exists"},
        429: {"description": "too many attempts came from this address; wait for the seconds in Retry-After"},
    },
)
async def post_bootstrap(request: Request, new: BootstrapRequest, context: ContextDep) -> CreatedKey:
    """Create the first admin key. Requires BOOTSTRAP_SECRET."""
    configured = context.settings.bootstrap_secret
    secret = configured.get_secret_value() if configured else None
    address = find_address(request, context.settings.proxy_networks)
    return await bootstrap(context.access, new, secret=secret, address=address)


@router.get("/keys")
async def get_keys(context: ContextDep, key: KeyDep) -> Keys:
    """List all API keys, newest first. Requires an admin key."""
    keys = await list_keys(context.access, key)
    return Keys(keys=keys, total=len(keys))


@router.post("/keys")
async def post_key(context: ContextDep, key: KeyDep, new: NewKey) -> CreatedKey:
    """Create an API key. Only this answer contains the key; it can't be retrieved later."""
    return await create_key(context.access, key, new)


@router.put("/keys")
async def put_key(context: ContextDep, key: KeyDep, change: KeyChange) -> Done:
    """Change the name, description, user, scopes or admin rights of an API key."""
    await update_key(context.access, key, change)
    return Done(id=change.id, message="key changed")


@router.delete(
    "/keys",
    responses={409: {"description": "the caller uses this key"}},
)
async def delete_key(context: ContextDep, key: KeyDep, reference: KeyReference) -> Done:
    """Revoke an API key. Every process refuses it from the next request on."""
    await revoke_key(context.access, key, key_id=reference.id)
    return Done(id=reference.id, message="key revoked")


@router.post("/keys/{key_id}/rotate")
async def post_rotation(context: ContextDep, key: KeyDep, key_id: RowId, rotation: Rotation) -> CreatedKey:
    """Create a successor with the same rights. The old key expires when the overlap ends."""
    return await rotate_key(context.access, key, key_id=key_id, overlap_hours=rotation.overlap_hours)


def _identify(caller: Caller) -> Identity:
    return Identity(
        name=caller.name,
        allowed_api_key=caller.owner_label,
        is_admin=caller.is_admin,
        reads_all=caller.is_admin or Scope.READ_ALL in caller.scopes,
    )
