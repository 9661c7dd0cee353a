"""Generate mods, and upload them to a model server."""

import keyword
import re
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field

from core.access.access import Access
from core.access.caller import Scope
from core.access.limits import CallLimit, authenticate_keyless, count_call
from core.playground.keys import require_playground_key
from core.playground.mod_source import MAX_SOURCE_CHARACTERS, MOD_NAME, ModConfig, require_own_source, write_mod
from core.playground.models import Model
from core.settings import Settings
from core.upstream.deadline import Deadline
from core.upstream.errors import BadResponseError, NotConfiguredError
from core.wire.models import Body

if TYPE_CHECKING:
    from core.upstream.client import Upstreams

TIMEOUT_S = 60
LIMIT = CallLimit("upload")
MAX_NAME_CHARACTERS = 64

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _check_name(name: str) -> str:
    if not _IDENTIFIER.fullmatch(name) or keyword.iskeyword(name):
        raise ValueError("is not the name of a Python function; use ASCII letters, digits and _")
    return name


ModName = Annotated[str, Field(max_length=MAX_NAME_CHARACTERS), AfterValidator(_check_name)]


class NewMod(Body):
    """The form of the playground."""

    config: ModConfig


class GeneratedMod(BaseModel):
    """The source of a mod, and the name of its function."""

    code: str
    mod_name: str = MOD_NAME


class ModUpload(Body):
    """A generated mod, to be uploaded to the server of a model."""

    model: Annotated[Model, Field(strict=False)]
    code: Annotated[str, Field(max_length=MAX_SOURCE_CHARACTERS)]
    mod_name: ModName


class UploadedMod(BaseModel):
    """The result of an upload."""

    success: Literal[True] = True
    mod_name: str
    message: str = "the mod is uploaded"


async def generate_mod(access: Access, key: str | None, new: NewMod) -> GeneratedMod:
    """Write the source of a mod.

    Raises:
        UnauthorizedError: there is no key and PLAYGROUND_KEYLESS is not set, or the key is not live.
        InvalidInputError: a field that the position needs is missing, zero or empty.
    """
    await authenticate_keyless(access, key)
    return GeneratedMod(code=write_mod(new.config, await access.hasher()))


async def upload_mod(
    access: Access, upstreams: "Upstreams", settings: Settings, key: str | None, upload: ModUpload
) -> UploadedMod:
    """Register the caller with the server of the model, and upload a generated mod there.

    Raises:
        ForbiddenError: the key can't be used in the playground.
        InvalidInputError: Thunder did not generate the code.
        TooManyCallsError: the key or its address has used up its calls.
        UpstreamError: a setting is missing, or the server does not accept the mod.
    """
    deadline, server = Deadline(), upload.model.find_server(settings)
    async with access.session(key, Scope.CURATE) as session:
        user_key = require_playground_key(session)
        require_own_source(upload.code, session.hasher)
        server.require_url()
        admin_key = _require_admin_key(settings)
        await count_call(session, LIMIT)
    user = {"user_api_key": user_key, "admin_key": admin_key}
    try:
        await upstreams.post(server, "/add_user", user, timeout_s=deadline.limit(TIMEOUT_S))
    except BadResponseError as error:
        if error.upstream_status == 403:
            raise BadResponseError(
                "PLAYGROUND_ADMIN_KEY: refused by the model server; set it to the server's ADMIN_KEY", 403
            ) from None
        raise
    mod = {
        "name": upload.mod_name,
        "language": "python",
        "module": "client_mod",
        "entrypoint": upload.mod_name,
        "source": upload.code,
        "user_api_key": user_key,
    }
    await upstreams.post(server, "/v1/mods", mod, timeout_s=deadline.limit(TIMEOUT_S), user_key=user_key)
    return UploadedMod(mod_name=upload.mod_name)


def _require_admin_key(settings: Settings) -> str:
    if settings.playground_admin_key is None:
        raise NotConfiguredError("PLAYGROUND_ADMIN_KEY: not set; set it to the ADMIN_KEY of the model servers")
    return settings.playground_admin_key.get_secret_value()
