"""The page on circulars, held against the words and the ranking of the code."""

from contracts.rates import Figures, wilson_lower_bound
from services.ledger.circular.ranking import ranks
from services.ledger.circular.table import Status
from services.ledger.circular.words import WORDS, Language
from tests.contracts.pages import ROOT, table

PAGE = ROOT / "docs" / "circulars.md"


def test_the_page_explains_every_column_under_its_names_in_both_languages() -> None:
    english, chinese = (WORDS[language].columns.values() for language in (Language.EN, Language.ZH))

    assert [tuple(row[:2]) for row in table(PAGE, "column", "列")] == list(zip(english, chinese, strict=True))


def test_the_page_explains_every_status_under_its_chinese_name() -> None:
    assert {row[0]: row[1] for row in table(PAGE, "status")} == {
        status.value: WORDS[Language.ZH].statuses[status] for status in Status
    }


def test_the_page_ranks_as_the_code_does() -> None:
    rows = table(PAGE, "fraction", "rate")
    figures = {
        fraction: Figures(received=int(fraction.split("/")[1]), answered=int(fraction.split("/")[0]))
        for fraction, *_ in rows
    }
    order = ranks(figures)

    for fraction, rate, bound, rank in rows:
        counts = figures[fraction]
        assert counts.rate == rate
        assert f"{100 * wilson_lower_bound(counts.answered, counts.received):.2f}" == bound
        assert str(order[fraction]) == rank
