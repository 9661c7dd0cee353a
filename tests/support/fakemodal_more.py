"""Behavior of Modal on top of fakemodal.py: `secret create`, Function.from_name, rolling publishes, the plan's cap.

    from tests.support import fakemodal_more                     # patches fakemodal's servicer
    fm = fakemodal_more.Plane(environments={"main": ""}, secrets={}, web_endpoint_cap=8)

- `modal secret create NAME K=V [--force]` stores a secret; running containers keep the values they started with.
- `modal.Function.from_name(app, name)` finds a deployed function (get_web_url(), .remote()).
- Publishing again retires the containers of the former version: they finish what they have and take no more.
- `modal.Environment.objects.list()` and `environment.apps.list()` list the deployed apps with their functions.
- `web_endpoint_cap`: publishing more web functions than that, over all deployed apps, fails as Modal's Starter plan does.
"""

from __future__ import annotations

import asyncio
import time

from tests.support.fakemodal import *  # noqa: F403
from tests.support.fakemodal import GRPCError, FakeModal, Status, _mk, _Servicer, api_pb2


class Plane(FakeModal):
    def __init__(self, *, web_endpoint_cap: int | None = None, **options):
        super().__init__(**options)
        self.web_endpoint_cap, self.dead_tasks = web_endpoint_cap, set()

    def retire(self, fid):
        """The container of a former version takes no more inputs; those not begun go to the new one."""
        self.dead_tasks.update(task for task, one in self.task_fid.items() if one == fid)
        old, self.inputs[fid] = self.inputs[fid], asyncio.Queue()
        while not old.empty():
            if (call := old.get_nowait()) is not None:
                self.inputs[fid].put_nowait(call)
        for _ in range(300):
            old.put_nowait(None)
        self.procs.pop(fid, None)
        if not self.inputs[fid].empty():
            self.procs[fid] = None
            asyncio.get_running_loop().create_task(self._start(fid))

    def count_web(self, app_id):
        return sum(bool(self.functions[fid].webhook_config.type) for fid in self.apps[app_id]["function_ids"].values())


async def FunctionGetInputs(self, s):
    r = await s.recv_message()
    task = s.metadata.get("x-modal-task-id", "") if s.metadata else ""
    call = None if task in getattr(self.fm, "dead_tasks", ()) else await self.fm.inputs[r.function_id].get()
    item = (
        api_pb2.FunctionGetInputsItem(kill_switch=True)
        if call is None
        else api_pb2.FunctionGetInputsItem(input_id=call.input_id, function_call_id=call.id, input=call.input)
    )
    await s.send_message(api_pb2.FunctionGetInputsResponse(inputs=[item]))


async def AppPublish(self, s):
    r = await s.recv_message()
    fm, app = self.fm, self.fm.apps[r.app_id]
    before = {name: app.get(name) for name in ("function_ids", "class_ids", "tag")}
    app.update(function_ids=dict(r.function_ids), class_ids=dict(r.class_ids), tag=r.deployment_tag)
    if r.app_state == api_pb2.APP_STATE_DEPLOYED and (cap := getattr(fm, "web_endpoint_cap", None)) is not None:
        there = sum(fm.count_web(one) for key, one in fm.deployed.items() if one != r.app_id)
        here = fm.count_web(r.app_id)
        if there + here > cap:
            app.update(before)  # the previous version stays online
            raise GRPCError(
                Status.RESOURCE_EXHAUSTED,
                f"reached limit of {cap} web endpoints (# already deployed => {there}, # in this app => {here})",
            )
    app.update(state=r.app_state or app["state"], published=app["published"] + 1)
    if r.app_state == api_pb2.APP_STATE_DEPLOYED:
        fm.deployed[(app["env"], r.name)] = r.app_id
        app["name"] = r.name
    if isinstance(fm, Plane):
        for fid in app["function_ids"].values():
            if fid in fm.procs:
                fm.retire(fid)
    url = f"https://modal.com/apps/{fm.workspace}/{app['env']}/deployed/{r.name}"
    await s.send_message(api_pb2.AppPublishResponse(url=url, deployed_at=time.time()))


async def EnvironmentList(self, s):
    await s.recv_message()
    items = [_mk(api_pb2.EnvironmentListItem, name=name, environment_id="en-" + name) for name in self.fm.environments]
    await s.send_message(api_pb2.EnvironmentListResponse(items=items))


async def AppList(self, s):
    r = await s.recv_message()
    answer = api_pb2.AppListResponse()
    for (env, name), app_id in self.fm.deployed.items():
        if env != (r.environment_name or self.fm.default_env):
            continue
        one = answer.apps.add(app_id=app_id, description=name, name=name, state=self.fm.apps[app_id]["state"])
        one.metadata.lifecycle.app_state = one.state
        one.metadata.functions.update(self.fm.apps[app_id]["function_ids"])
    await s.send_message(answer)


_find_secret = _Servicer.SecretGetOrCreate


async def SecretGetOrCreate(self, s):
    r = await s.recv_message()
    fm, env, kind, name = self.fm, r.environment_name or self.fm.default_env, r.object_creation_type, r.deployment_name
    if kind in (
        api_pb2.OBJECT_CREATION_TYPE_CREATE_FAIL_IF_EXISTS,
        api_pb2.OBJECT_CREATION_TYPE_CREATE_OVERWRITE_IF_EXISTS,
        api_pb2.OBJECT_CREATION_TYPE_CREATE_IF_MISSING,
    ):
        exists = (env, name) in fm.secrets
        if exists and kind == api_pb2.OBJECT_CREATION_TYPE_CREATE_FAIL_IF_EXISTS:
            raise GRPCError(Status.ALREADY_EXISTS, f"Secret '{name}' already exists")
        if not exists or kind != api_pb2.OBJECT_CREATION_TYPE_CREATE_IF_MISSING:
            fm.secrets[(env, name)] = dict(r.env_dict)
        sid = f"st-{env}-{name}"
    elif kind in (api_pb2.OBJECT_CREATION_TYPE_ANONYMOUS_OWNED_BY_APP, api_pb2.OBJECT_CREATION_TYPE_EPHEMERAL):
        sid = fm.new_id("st")
        fm.secret_values[sid], fm.secret_names[sid] = dict(r.env_dict), "(inline)"
        await s.send_message(api_pb2.SecretGetOrCreateResponse(secret_id=sid))
        return
    else:
        if (values := fm.secrets.get((env, name))) is None:
            raise GRPCError(Status.NOT_FOUND, f"Secret '{name}' not found in environment '{env}'")
        if missing := [key for key in r.required_keys if key not in values]:
            raise GRPCError(Status.FAILED_PRECONDITION, f"Secret '{name}' is missing key(s): {', '.join(missing)}")
        sid = f"st-{env}-{name}"
        fm.required_keys[sid] = list(r.required_keys)
    fm.secret_values[sid], fm.secret_names[sid] = fm.secrets[(env, name)], name
    metadata = _mk(api_pb2.SecretMetadata, name=name, environment_name=env)
    await s.send_message(api_pb2.SecretGetOrCreateResponse(secret_id=sid, metadata=metadata))


async def FunctionGet(self, s):
    r = await s.recv_message()
    app_id = self.fm.deployed.get((r.environment_name or self.fm.default_env, r.app_name))
    fid = app_id and self.fm.apps[app_id]["function_ids"].get(r.object_tag)
    if not fid:
        raise GRPCError(Status.NOT_FOUND, f"no function {r.app_name}/{r.object_tag}")
    answer = api_pb2.FunctionGetResponse(function_id=fid, handle_metadata=self.fm.fn_meta(fid))
    data, function = answer.function, self.fm.functions[fid]
    data.ranked_functions.add(rank=1).function.CopyFrom(function)
    for field, value in function.ListFields():
        if field.name in data.DESCRIPTOR.fields_by_name and field.name != "ranked_functions":
            if field.message_type is None and not hasattr(value, "append"):
                setattr(data, field.name, value)
            else:
                getattr(data, field.name).MergeFrom(value)
    await s.send_message(answer)


for _method in (FunctionGetInputs, AppPublish, EnvironmentList, AppList, SecretGetOrCreate, FunctionGet):
    setattr(_Servicer, _method.__name__, _method)
