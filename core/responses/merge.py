"""Merge the values of several chunks. Texts and lists are concatenated; other values are replaced by later ones."""

from typing import cast

from core.responses.expect import Body, find_list, find_object

_FIXED = frozenset({"role", "type", "id", "name", "object", "finish_reason", "token", "stop_reason"})
"""Keys of texts that the next chunk replaces instead of continuing."""
MAX_DEPTH = 8
"""Maximum levels of nested objects that are joined."""
MAX_CALLS = 1000
"""Maximum parts in a chunk that are identified by an index, such as tool calls."""


class _Texts(list[str]):
    """The parts of a text, which are joined at the end. Appending each part to the text would take quadratic time."""


def merge(whole: Body, part: Body, depth: int = 0) -> None:
    """Add the values of a chunk to the previously joined ones."""
    for name, value in part.items():
        before = whole.get(name)
        if value is None:
            whole.setdefault(name, None)
        elif isinstance(before, _Texts) and isinstance(value, str):
            before.append(value)
        elif isinstance(before, dict) and isinstance(value, dict) and depth < MAX_DEPTH:
            merge(cast("Body", before), cast("Body", value), depth + 1)
        elif name == "content" and isinstance(before, list) and not isinstance(value, dict):
            _extend_content(whole, cast("list[object]", before), value)
        elif isinstance(before, list) and isinstance(value, list) and not isinstance(before, _Texts):
            _extend(name, cast("list[object]", before), cast("list[object]", value))
        else:
            whole[name] = _copy(name, value, depth)


def finish(value: object, depth: int = 0) -> object:
    """Concatenate the collected parts of all texts. Deeper values are as posted."""
    if isinstance(value, _Texts):
        return "".join(value)
    if depth > MAX_DEPTH + 4:
        return value
    if isinstance(value, dict):
        return {name: finish(one, depth + 1) for name, one in cast("Body", value).items()}
    return [finish(one, depth + 1) for one in find_list(value)] if isinstance(value, list) else value


def _extend_calls(before: list[object], more: list[object]) -> None:
    """Add the parts of tool calls. Parts of one call have the same index."""
    for one in map(find_object, more):
        index = one.get("index")
        calls = map(find_object, before[:MAX_CALLS])
        found = next((call for call in calls if call.get("index") == index), None)
        if found is None:
            found = Body()
            before.append(found)
        merge(found, one, depth=2)


def _extend_content(whole: Body, before: list[object], more: object) -> None:
    """Add a text or parts to a content of the other kind. Mistral sends both in one stream."""
    if isinstance(before, _Texts):
        before = [{"type": "text", "text": before}]
        whole["content"] = before
    before.extend([{"type": "text", "text": more}] if isinstance(more, str) else find_list(more))


def _copy(name: str, value: object, depth: int) -> object:
    """Copy the containers that later chunks will change, so that the posted chunks stay unchanged."""
    if isinstance(value, str) and name not in _FIXED:
        return _Texts([value])
    if isinstance(value, dict) and depth < MAX_DEPTH:
        copied: Body = {}
        merge(copied, cast("Body", value), depth + 1)
        return copied
    if not isinstance(value, list):
        return value
    rows: list[object] = []
    _extend(name, rows, find_list(value))
    return rows


def _extend(name: str, before: list[object], more: list[object]) -> None:
    if name == "tool_calls":
        _extend_calls(before, more)
    else:
        before.extend(more)
