"""Spans: what was done for whom, and how long each part of it took. They cost little while nobody exports them."""

from asyncio import CancelledError
from collections.abc import Generator, Mapping, MutableMapping
from contextlib import contextmanager

from opentelemetry.trace import Span, SpanKind, StatusCode, get_tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_tracer = get_tracer("reelay")
_w3c = TraceContextTextMapPropagator()


@contextmanager
def span(
    name: str,
    attributes: Mapping[str, str | None],
    *,
    parent: str | None = None,
    kind: SpanKind = SpanKind.INTERNAL,
) -> Generator[Span]:
    """Time what is done in here. An error is noted by its type alone, for its message may say anything.

    Args:
        name: One of few.
        attributes: What for; None is left out.
        parent: A W3C `traceparent`; without one, it belongs to the span that is open here, if one is.
        kind: Whether somebody asks us, or we ask somebody.
    """
    known = {name: value for name, value in attributes.items() if value is not None}
    context = _w3c.extract({"traceparent": parent}) if parent else None
    with _tracer.start_as_current_span(
        name, context, kind, known, record_exception=False, set_status_on_exception=False
    ) as opened:
        try:
            yield opened
        except (Exception, CancelledError) as error:
            opened.set_status(StatusCode.ERROR)
            opened.set_attribute("error.type", type(error).__name__)
            raise


def traceparent() -> str | None:
    """The open span in W3C's words, for those who go on with it elsewhere; None if there is none."""
    carrier = dict[str, str]()
    pass_on(carrier)
    return carrier.get("traceparent")


def pass_on(headers: MutableMapping[str, str]) -> None:
    """Add the open span to the headers of a request, if there is one."""
    _w3c.inject(headers)
