"""Read an HTML page."""

import html.parser

from typing_extensions import override


class Page(html.parser.HTMLParser):
    """The parts of a page that the tests check."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.meta: dict[str, str] = {}
        self.links: list[str] = []
        self.scripts: list[str | None] = []
        self.text = ""
        self.feed(text)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append(tag)
        if tag == "meta" and (name := given.get("property") or given.get("name")):
            self.meta[name] = given["content"] or ""
        if tag == "script":
            self.scripts.append(given.get("src"))
        if tag == "a":
            self.links.append(given["href"] or "")

    @override
    def handle_data(self, data: str) -> None:
        self.text += data
