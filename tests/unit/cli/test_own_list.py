"""Reading a participant's own list: what is taken, and what is said of a file that is none."""

import csv
import io
import json
from contextlib import suppress
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.listing_wire import ListName
from contracts.period import Calendar
from services.cli.reconcile.own_list import OwnListError, read_own_list

CALENDAR = Calendar(ZoneInfo("Asia/Shanghai"))
ID = "0197a3c2-5d00-7000-8000-000000000001"
rows = st.lists(
    st.tuples(st.uuids(), st.sampled_from(ListName), st.sampled_from(["2026-11", "2026", None])),
    min_size=1,
    max_size=20,
)


@given(rows)
def test_csv_and_json_lines_of_the_same_are_the_same(made: list[tuple[UUID, ListName, str | None]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["list", "id", "period"])
    writer.writerows([list_, id, period or ""] for id, list_, period in made)
    lines = [json.dumps({"id": str(id), "list": list_, "period": period}) for id, list_, period in made]

    from_csv = read_own_list(text.getvalue(), CALENDAR)
    from_json = read_own_list("\n".join(lines), CALENDAR)

    assert [(item.id, item.list, item.period) for item in from_csv] == [(str(id), *rest) for id, *rest in made]
    assert [(item.id, item.list, item.period) for item in from_json] == [(str(id), *rest) for id, *rest in made]
    assert [item.line for item in from_csv] == list(range(2, len(made) + 2))
    assert [item.line for item in from_json] == list(range(1, len(made) + 1))


@pytest.mark.parametrize("written", [ID.upper(), f" {ID} ", f"{{{ID}}}", ID.replace("-", ""), f"urn:uuid:{ID}"])
def test_an_id_is_the_same_however_it_is_written(written: str) -> None:
    (item,) = read_own_list(f"id,list\n\n{written},sent\n", CALENDAR)
    assert (item.id, item.list, item.period, item.line) == (ID, ListName.SENT, None, 3)


@pytest.mark.parametrize("text", ["id,list\n", "id,list,period\n", " ID , List \r\n"])
def test_a_list_of_nothing_is_a_list(text: str) -> None:
    assert read_own_list(text, CALENDAR) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", 'line 1: the header is id,list or id,list,period, not ""'),
        ("id;list\n", "line 1: the header is"),
        ("id\n", "line 1: the header is"),
        ("id,list,peroid\n", "line 1: the header is"),
        ("id,list,id\n", "line 1: the header is"),
        (f"{ID},sent\n", "line 1: the header is"),
        (f"id,list\n{ID}\n", "line 2: 2 values are expected, not 1"),
        (f"id,list\n{ID},sent,2026-11\n", "line 2: 2 values are expected, not 3"),
        ("id,list\n17,sent\n", 'line 2: id is a UUID, not "17"'),
        ("id,list\n,sent\n", 'line 2: id is a UUID, not ""'),
        (f"id,list\n{ID},sent\n{ID},Sent\n", 'line 3: list is one of sent, received, answered, not "Sent"'),
        (f"id,list,period\n{ID},sent,11/2026\n", "line 2: a period is written"),
        (f'id,list\n"{ID},sent\n', "line 2: unexpected end of data"),
        ("{", "line 1: it is not JSON"),
        ("{}\n", "line 1: an object with id, list"),
        (f'{{"id":"{ID}","list":"sent"}}\n[]', "line 2: an object with id, list"),
        (f'{{"id":"{ID}","list":"sent","note":"x"}}', "line 1: an object with id, list"),
        ('{"id":17,"list":"sent"}', 'line 1: id is a text, not "int"'),
        (f'{{"id":"{ID}","list":null}}', "line 1: list is one of"),
        ('{"a":' * 100_000, "line 1: it is not JSON"),
    ],
)
def test_what_is_no_list_is_said_with_its_line(text: str, said: str) -> None:
    with pytest.raises(OwnListError) as caught:
        read_own_list(text, CALENDAR)
    assert str(caught.value).startswith(said)


@given(st.text())
def test_any_text_is_a_list_or_an_error(text: str) -> None:
    with suppress(OwnListError):
        assert read_own_list(text, CALENDAR) == []
