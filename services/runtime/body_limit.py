"""A bound on what a request may send, held before anything of it is read further in."""

from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contracts.problems import Problem, ProblemType

_LONGEST_LENGTH = 20


class BodyLimit:
    """ASGI middleware: reads a request's body up to ``max_bytes`` and hands it on whole, or answers 413.

    It reads ahead, since a body that turns out too large in the middle could otherwise only break the route that
    reads it.
    """

    def __init__(self, app: ASGIApp, *, max_bytes: int, refuse: Callable[[Problem], Response]) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or pass on what is not a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = None if self._announces_too_much(scope) else await self._read(receive)
        if body is None:
            detail = f"A request to this address may hold {self._max_bytes} bytes."
            await self._refuse(Problem(ProblemType.REQUEST_TOO_LARGE, detail))(scope, receive, send)
            return
        if body[-1]["type"] == "http.request":
            await self._app(scope, _replay(body, receive), send)
        # Otherwise the client is gone, and there is nobody to answer.

    def _announces_too_much(self, scope: Scope) -> bool:
        announced = Headers(scope=scope).get("content-length", "0")
        if not (announced.isascii() and announced.isdigit()):
            return False
        # Python refuses to read a number of thousands of digits.
        return len(announced) > _LONGEST_LENGTH or int(announced) > self._max_bytes

    async def _read(self, receive: Receive) -> list[Message] | None:
        messages: list[Message] = []
        total = 0
        while True:
            message = await receive()
            messages.append(message)
            total += len(message.get("body", b""))
            if total > self._max_bytes:
                return None
            if message["type"] != "http.request" or not message.get("more_body", False):
                return messages


def _replay(messages: list[Message], receive: Receive) -> Receive:
    waiting = iter(messages)

    async def replay() -> Message:
        return next(waiting, None) or await receive()

    return replay
