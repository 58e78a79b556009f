"""The carried directory, which is read once for all tests that look things up in it."""

import pytest

from contracts.data import carried_files
from contracts.directory import Directory
from contracts.directory_files import EditionPlan, parse_file, plan_edition


@pytest.fixture(scope="session")
def carried_plan() -> EditionPlan:
    return plan_edition({}, [parse_file(name, content) for name, content in carried_files()])


@pytest.fixture(scope="session")
def carried(carried_plan: EditionPlan) -> Directory:
    return Directory.of(carried_plan.added, carried_plan.changes)
