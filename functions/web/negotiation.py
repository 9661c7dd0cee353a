"""Accept and Accept-Encoding: what a client names, and how much it wants it."""

from fastapi.requests import HTTPConnection


def read_preferences(request: HTTPConnection, header: str) -> dict[str, float]:
    """What a header names, in its order, each with its quality from 0 (not at all) to 1.

    A quality that is no number is 0: the client meant to say something about it, and not that it is welcome.
    """
    return parse_preferences(",".join(request.headers.getlist(header)))


def parse_preferences(text: str) -> dict[str, float]:
    """Parse the value of such a header."""
    named: dict[str, float] = {}
    for item in text.lower().split(","):
        name, _, parameters = item.partition(";")
        if name.strip():
            named.setdefault(name.strip(), _read_quality(parameters))
    return named


def wants_page(request: HTTPConnection) -> bool:
    """Whether a browser asks, or a program that reads pages: `text/html` is named, and not behind JSON.

    `?format=json` asks for JSON whatever else is said.
    """
    if request.query_params.get("format") == "json":
        return False
    named = read_preferences(request, "accept")
    places = list(named)
    page, data = named.get("text/html", 0.0), named.get("application/json", 0.0)
    if page == data > 0:
        return places.index("text/html") < places.index("application/json")
    return page > data


def _read_quality(parameters: str) -> float:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return max(float(value), 0.0)
            except ValueError:
                return 0.0
    return 1.0
