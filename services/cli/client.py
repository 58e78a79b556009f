"""The HTTP APIs of a stack, as the commands use them: with the administrator's token, errors as sentences."""

from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from services.cli.context import stack
from services.cli.errors import CommandError
from services.cli.stack.stack_file import StackFile

# A rate over many years of messages takes its time; a stack that does not answer at all refuses at once.
_TIMEOUT = httpx.Timeout(60, connect=5)


class ProblemAnsweredError(CommandError):
    """A service answered with a problem (RFC 9457); the text is its title and detail."""

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(f"{problem['title']}: {problem['detail']}")
        self.problem = problem


@dataclass(frozen=True, slots=True)
class LedgerAddress:
    """A ledger anywhere, and a participant's token for it: what a participant has without a stack."""

    ledger_url: str
    token: str = field(repr=False)


class API:
    """Gateway and ledger of the stack that is up in `data`; a context manager.

    Every method raises ProblemAnsweredError where the service refuses, and CommandError where it cannot be reached.
    """

    def __init__(
        self, data: Path, addresses: StackFile | LedgerAddress | None = None, token: str | None = None
    ) -> None:
        """`token` is a participant's, who sees its own territory; the administrator's by default.

        With a `LedgerAddress` there is no stack: nothing can be posted, and the token is the one that it has.
        """
        addresses = addresses or stack(data)
        self._ledger_url = addresses.ledger_url
        if isinstance(addresses, LedgerAddress):
            self._gateway_url, self._advice = "", "check the URL"
            token = addresses.token
        else:
            self._gateway_url = addresses.gateway_url
            self._advice = f"is the stack in {data} up? `huizhi up --data {data}` starts it"
            token = token or addresses.admin_token
        self._client = httpx.Client(
            headers={"Authorization": f"Bearer {token}"},
            timeout=_TIMEOUT,
            # A proxy of the environment is for the outside; the stack is on this machine.
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._client.close()

    def ask(self, path: str, **parameters: str | int | None) -> dict[str, Any]:
        """What the ledger answers at `/v1/` + `path`; parameters that are None are left out. `from_` means `from`."""
        named = {name.removesuffix("_"): value for name, value in parameters.items() if value is not None}
        return self._request("ledger", "GET", f"{self._ledger_url}/v1/{path}", params=named)

    def message(self, id: str) -> dict[str, Any] | None:
        """A message with its entries and refusals, or None where the ledger knows nothing of it."""
        try:
            return self.ask(f"messages/{id}")
        except ProblemAnsweredError as answered:
            if answered.problem["status"] == httpx.codes.NOT_FOUND:
                return None
            raise

    def pages(self, path: str, *, all_pages: bool, **parameters: str | int | None) -> dict[str, Any]:
        """The first page of a list, or, with `all_pages`, all of them as one; `next` is then None."""
        page = self.ask(path, **parameters)
        while all_pages and page["next"] is not None:
            following = self.ask(path, **{**parameters, "after": page["next"]})
            page["items"] += following["items"]
            page["next"] = following["next"]
        return page

    def post(self, body: bytes, gateway_url: str | None = None) -> dict[str, Any]:
        """Hand a message to the gateway, or to that one of several; what it answers when it is in custody."""
        headers = {"Content-Type": "application/json"}
        return self._request(
            "gateway", "POST", f"{gateway_url or self._gateway_url}/v1/messages", content=body, headers=headers
        )

    def close_period(self, period: str) -> dict[str, Any]:
        """Order a month to be closed; what the ledger answers when the order is given."""
        return self._request("ledger", "POST", f"{self._ledger_url}/v1/periods/{period}/close")

    def download(self, path: str, **parameters: str | None) -> tuple[bytes, str]:
        """The file that the ledger answers with at `/v1/` + `path`, and its name."""
        given = {name: value for name, value in parameters.items() if value is not None}
        answer = self._answer("ledger", "GET", f"{self._ledger_url}/v1/{path}", params=given)
        if not answer.is_success:
            _document(answer, "ledger")
        disposition = EmailMessage()
        disposition["Content-Disposition"] = answer.headers.get("Content-Disposition", "")
        return answer.content, disposition.get_filename("download")

    def log_keys(self) -> list[str]:
        """The public keys that the ledger's log is signed with now, in their text form."""
        answer = self._answer("ledger", "GET", f"{self._ledger_url}/log/vkey")
        if not answer.is_success:
            _document(answer, "ledger")
        return answer.text.split()

    def remind(self, id: str, reason: str | None) -> dict[str, Any]:
        """Have a query's recipient reminded; what the ledger answers when that is ordered."""
        url = f"{self._ledger_url}/v1/messages/{id}/reminders"
        return self._request("ledger", "POST", url, json={"reason": reason})

    def _request(self, service: str, method: str, url: str, **request: Any) -> dict[str, Any]:
        return _document(self._answer(service, method, url, **request), service)

    def _answer(self, service: str, method: str, url: str, **request: Any) -> httpx.Response:
        try:
            return self._client.request(method, url, **request)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise CommandError(
                f"the {service} at {url.partition('/v1/')[0]} does not answer ({type(error).__name__}: {error}); "
                f"{self._advice}"
            ) from error


def _document(answer: httpx.Response, service: str) -> dict[str, Any]:
    try:
        document = answer.json()
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise CommandError(f"the {service} answered with status {answer.status_code} and no JSON object; see its log")
    if answer.is_success:
        return document
    raise ProblemAnsweredError({"title": answer.reason_phrase, "detail": "", "status": answer.status_code, **document})
