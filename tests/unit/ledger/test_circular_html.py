"""The circular as a page: complete, by itself, and in its language."""

import re
from html.parser import HTMLParser

import pytest

from services.ledger.circular.columns import COLUMNS
from services.ledger.circular.html_form import circular_html
from services.ledger.circular.table import Circular, make_circular
from services.ledger.circular.words import WORDS, Language
from tests.unit.ledger.circulars import entry, example, subject, total_of

_VOID = {"meta"}


class _Page(HTMLParser):
    """The page's tags, whether each is closed in its turn, and its table as text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self.texts: dict[str, str] = {}
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data
        if self.open:
            self.texts[self.open[-1]] = self.texts.get(self.open[-1], "") + data

    def attributes(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.mark.parametrize("language", Language)
def test_the_page_is_whole_and_in_its_language(language: Language) -> None:
    page = _page(example(), language)

    assert page.open == []
    assert page.attributes("html") == [{"lang": language.value}]
    assert page.attributes("meta")[0] == {"charset": "utf-8"}
    assert page.texts["title"] == page.texts["h1"]
    assert [tag for tag, _ in page.tags].index("caption") == [tag for tag, _ in page.tags].index("table") + 1
    assert page.rows[0] == list(WORDS[language].columns.values())
    assert all(len(row) == len(COLUMNS) for row in page.rows)
    assert len(page.rows) == 1 + len(example().rows) + 2
    assert {attributes.get("scope") for attributes in page.attributes("th")} == {"col", "row"}


def test_the_table_shows_the_figures() -> None:
    rows = _page(example(), Language.ZH).rows

    assert rows[1][:8] == ["1", "4101", "郑州市", "714", "713", "713/714", "99.86", "1"]
    assert rows[1][8:] == ["713", "99.86", "700", "98.04", "2.5", "+1.29", "95.00", "达标"]
    assert rows[3][-3:] == ["-17.30", "95.00", "未达标"]
    assert rows[-1][:4] == ["–", "41", "合计", "879"]


@pytest.mark.parametrize("language", Language)
def test_the_page_runs_no_script_and_asks_no_host(language: Language) -> None:
    text = circular_html(example(), language).decode()

    assert not re.search(r"<script|<link|<img|<iframe|\bsrc=|\bhref=|url\(|@import|//|javascript:|\bon\w+=", text)


def test_a_name_is_text_and_never_a_tag() -> None:
    name = '<script>alert("1")</script>&amp;'
    listed = [entry("410101", 1, 1, name)]
    page = _page(make_circular(subject(), listed, total_of(listed)), Language.ZH)

    assert page.attributes("script") == []
    assert page.rows[1][2] == name


def _page(circular: Circular, language: Language) -> _Page:
    return _Page(circular_html(circular, language).decode())
