"""Commands whose modules are imported when they are asked for, so that `huizhi log check` does not wait for what
`huizhi up` needs.
"""

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup


def lazy_app(places: Mapping[str, str], **settings: Any) -> typer.Typer:
    """An application of the commands of `places`: a name, and where its function or its own application stands, as
    `module:attribute`. `settings` are those of typer.Typer.
    """

    class Group(TyperGroup):
        def __init__(self, **group_settings: Any) -> None:
            super().__init__(**group_settings)
            self.commands = _LazyCommands(places)  # type: ignore[assignment]  # It is only read.

    app = typer.Typer(cls=Group, **settings)
    app.callback()(_nothing)
    return app


class _LazyCommands(Mapping[str, Any]):
    """A mapping whose values are made, and imported, when they are read."""

    def __init__(self, places: Mapping[str, str]) -> None:
        self._places = places

    def __getitem__(self, name: str) -> Any:
        module, _, attribute = self._places[name].partition(":")
        return _as_command(name, getattr(import_module(module), attribute))

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def _as_command(name: str, found: typer.Typer | Callable[..., Any]) -> Any:
    """Typer's command for a function, or its group for an application."""
    app = typer.Typer(pretty_exceptions_show_locals=False, add_completion=False)
    if isinstance(found, typer.Typer):
        app.add_typer(found, name=name)
    else:
        app.command(name=name)(found)
    command = typer.main.get_command(app)
    return command.commands[name] if isinstance(command, TyperGroup) else command


def _nothing() -> None:
    pass
