"""Content negotiation: read Accept and Accept-Encoding."""

from fastapi.requests import HTTPConnection

from functions.web.crawlers import is_crawler


def read_preferences(request: HTTPConnection, header: str) -> dict[str, float]:
    """Return the values of a header, in order, with their quality from 0 (not acceptable) to 1.

    An invalid quality counts as 0.
    """
    return parse_preferences(",".join(request.headers.getlist(header)))


def parse_preferences(text: str) -> dict[str, float]:
    """Parse the value of an Accept or Accept-Encoding header."""
    named: dict[str, float] = {}
    for item in text.lower().split(","):
        name, _, parameters = item.partition(";")
        if name.strip():
            named.setdefault(name.strip(), _read_quality(parameters))
    return named


def wants_page(request: HTTPConnection) -> bool:
    """Return whether the client prefers HTML to JSON, as browsers do, or is a crawler of link previews.

    `?format=json` overrides both.
    """
    if request.query_params.get("format") == "json":
        return False
    if is_crawler(request):
        return True
    named = read_preferences(request, "accept")
    order = list(named)
    page, data = named.get("text/html", 0.0), named.get("application/json", 0.0)
    if page == data > 0:
        return order.index("text/html") < order.index("application/json")
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
