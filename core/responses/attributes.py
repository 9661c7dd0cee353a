"""Read the attributes of OTLP in its JSON mapping (opentelemetry-proto, common.proto) as plain values."""

import json

from core.responses.expect import Body, find_list, find_object, find_text, list_objects

MAX_DEPTH = 32
_PLAIN = ("stringValue", "boolValue", "doubleValue", "bytesValue")


def read_attributes(value: object) -> Body:
    """Return a list of `{key, value}` as an object. Attributes of the wrong type are left out."""
    pairs = ((find_text(one.get("key")), one.get("value")) for one in list_objects(value))
    return {name: read_value(found) for name, found in pairs if name is not None}


def read_value(value: object, depth: int = 0) -> object:
    """Return a value of OTLP, such as `{stringValue}`, as a plain value; None if it is not one."""
    fields = find_object(value)
    if depth > MAX_DEPTH or not fields:
        return None
    if "intValue" in fields:
        return _read_integer(fields["intValue"])
    if "arrayValue" in fields:
        return [read_value(row, depth + 1) for row in find_list(find_object(fields["arrayValue"]).get("values"))]
    if "kvlistValue" in fields:
        pairs = list_objects(find_object(fields["kvlistValue"]).get("values"))
        return {str(one.get("key")): read_value(one.get("value"), depth + 1) for one in pairs}
    return next((fields[name] for name in _PLAIN if name in fields), None)


def _read_integer(value: object) -> int | None:
    """Return an integer, which is a text in JSON because it may have 64 bits."""
    try:
        return int(value) if isinstance(value, int | str) and len(str(value)) < 21 else None
    except ValueError:
        return None


def read_json(value: object) -> object:
    """Return an attribute that may hold JSON as a text; None if it is not JSON."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


def collect(attributes: Body, prefix: str) -> list[Body]:
    """Return the objects of flattened attributes: `<prefix>.<index>.<name>`, in order of their index."""
    found: dict[int, Body] = {}
    for name, value in attributes.items():
        if name.startswith(f"{prefix}."):
            index, _, rest = name[len(prefix) + 1 :].partition(".")
            if index.isdecimal() and len(index) < 7:
                found.setdefault(int(index), {})[rest.removeprefix("message.")] = value
    return [found[index] for index in sorted(found)]
