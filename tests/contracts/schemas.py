"""The schemas under ``contracts/schemas`` as validators that find each other by file name."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator
from referencing import Registry
from referencing.jsonschema import DRAFT7

from tests.contracts.documents import SCHEMAS


@cache
def documents() -> dict[str, dict[str, Any]]:
    """Every schema by its path below ``contracts/schemas``."""
    return {str(path.relative_to(SCHEMAS)): _read(path) for path in sorted(SCHEMAS.rglob("*.json"))}


@cache
def validator(name: str) -> Draft7Validator:
    """The schema ``name``, with formats checked."""
    schemas = documents()
    resources = [(key, DRAFT7.create_resource(content)) for key, content in schemas.items()]
    registry: Registry[Any] = Registry().with_resources(resources)
    return Draft7Validator(schemas[name], registry=registry, format_checker=Draft7Validator.FORMAT_CHECKER)


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return content
