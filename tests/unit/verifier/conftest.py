"""A verification, as short as it can be written."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from services.verifier.result import Result
from services.verifier.state import State
from services.verifier.verify import verify
from tests.unit.verifier.made_log import Book, Log

Verify = Callable[..., Result]


@pytest.fixture
def verified() -> Verify:
    """Verify a log, with a state or without one."""

    def run(log: Log, path: Path | None = None) -> Result:
        with State(path) as state:
            return asyncio.run(verify(log, [log.key.verifier], state, lambda _done, _total: None))

    return run


@pytest.fixture
def book() -> Book:
    """A month with everything in it: answers in time, late and of no substance, forwards, withdrawals, notices."""
    book = Book()
    for number in range(60):
        question = book.ask(f"3101{number % 4 + 10}", f"4101{number % 3 + 1:02d}")
        match number % 10:
            case 0:
                book.forward(question, "410105")
                book.answer(question)
            case 1:
                book.withdraw(question)
            case 2:
                book.answer(question, "not-found", late=True)
            case 3:
                book.accept("notice", "410102", "310110")
            case 4:
                book.ask("410102", "410105")
            case _:
                book.answer(question)
    return book
