"""The log: one JSON object a line, which says of whom it speaks and holds no secret."""

import json
import logging
import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import override

from opentelemetry.trace import format_span_id, format_trace_id, get_current_span

_to_json = json.JSONEncoder(ensure_ascii=False).encode
_known: ContextVar[Mapping[str, str]] = ContextVar("known", default=MappingProxyType({}))

_CHATTY = ("azure", "httpx")
"""They log every URL at INFO, and the worker forwards that: a caller's link may carry a signature."""
_IS = r"""(?:\s?[:=]|["'\\]+\s?[:=,])\s?(?:b?["'\\]+)?"""
"""Between a header's name and its value, in whatever notation."""
_SECRET = re.compile(
    rf"""(authorization{_IS}(?:(?:bearer|basic|sharedkey(?:lite)?)\s+)?)[^"'\r\n]+"""
    rf"""|((?:api[-_]key|x-functions-key|subscription-key|x-identity-header|client_secret){_IS})[^\s"'&;,]+"""
    r"""|(bearer\s+|sharedkey(?:lite)?\s+|(?:[?&]|%3F|%26)sig(?:=|%3D)|(?:Account|SharedAccess)Key=)[^\s"'&;,]{6,}"""
    r"|\b(sk-|whsec_)[\w+/=-]{8,}|\b(eyJ)[\w-]+\.[\w-]+\.[\w-]+",
    re.IGNORECASE,
)


@contextmanager
def bound(**fields: str | None) -> Generator[None]:
    """Let every line that is logged in here say this, too; None is left out."""
    token = _known.set({**_known.get(), **_given(fields)})
    try:
        yield
    finally:
        _known.reset(token)


def note(**fields: str | None) -> None:
    """Let every line say this that follows in here, or in this request or activity; None is left out."""
    _known.set({**_known.get(), **_given(fields)})


class JsonFormatter(logging.Formatter):
    """Formats a record with all that is known of what it speaks of.

    What looks like a secret is masked: nobody here logs one, but what a library or a server says is not ours.
    """

    @override
    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        told: Mapping[str, str | None] = getattr(record, "fields", {})
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": masked(record.getMessage()),
            **_known.get(),
            **_trace(),
            **{name: masked(value) for name, value in told.items() if value is not None},
        }
        if record.exc_info:
            line["exception"] = masked(self.formatException(record.exc_info))
        return _to_json(line)


def masked(text: str) -> str:
    """The text without what looks like a secret."""
    return _SECRET.sub(lambda found: f"{next(filter(None, found.groups()))}***", text)


def log_json() -> None:
    """Let whatever is logged be JSON, wherever it goes."""
    for handler in logging.getLogger().handlers:
        handler.setFormatter(JsonFormatter())
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


def _trace() -> Mapping[str, str]:
    context = get_current_span().get_span_context()
    if not context.is_valid:
        return {}
    return {"trace_id": format_trace_id(context.trace_id), "span_id": format_span_id(context.span_id)}


def _given(fields: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in fields.items() if value is not None}
