"""Logs: one JSON object a line on standard error, from structlog and the standard library alike.

A line is one event with a name and fields. No payloads and no personal data go into it, nor passwords: whoever logs
names the fields, nothing is logged whole.
"""

import logging
import sys

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_QUIET = {
    # aiormq logs every frame at DEBUG, bodies and all.
    "aiormq": logging.WARNING,
    "aio_pika": logging.WARNING,
    "asyncio": logging.WARNING,
    # A traceback for each try to reach a database that is away; whoever waits for it says so once.
    "asyncpg.pool": logging.ERROR,
    # One line a request is what a proxy's log is for; here it would drown the events.
    "uvicorn.access": logging.WARNING,
    "httpx": logging.WARNING,
    "httpcore": logging.WARNING,
}


def configure_logging(service: str, level: str = "INFO") -> None:
    """Send every log line of the process, with ``service`` in it, to standard error from ``level`` on."""

    def name_service(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event.setdefault("service", service)
        return event

    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        name_service,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    _send_standard_logging(shared, level)


def _send_standard_logging(shared: list[Processor], level: str) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder(allow=())],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                # A plain traceback: frames' local variables would carry payloads into the log.
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name, least in _QUIET.items():
        logging.getLogger(name).setLevel(max(least, logging.getLevelName(level)))
