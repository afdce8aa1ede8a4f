"""A collector of OpenTelemetry's spans and metrics that keeps what it gets: OTLP over HTTP, in protobuf.

Protocol: https://opentelemetry.io/docs/specs/otlp/#otlphttp
"""

from collections.abc import Iterable
from itertools import chain
from typing import Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.azure_fakes.world import World

_KEPT = 20_000


class Collector:
    """Keeps the newest spans, and of each metric the last value for each set of attributes."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def take_spans(self, request: Request) -> Response:
        """POST /otlp/v1/traces."""
        export = ExportTraceServiceRequest.FromString(await request.body())
        scopes = chain.from_iterable(resource.scope_spans for resource in export.resource_spans)
        self._world.spans.extend(_span(span) for scope in scopes for span in scope.spans)
        del self._world.spans[:-_KEPT]
        return _taken()

    async def take_metrics(self, request: Request) -> Response:
        """POST /otlp/v1/metrics."""
        export = ExportMetricsServiceRequest.FromString(await request.body())
        scopes = chain.from_iterable(resource.scope_metrics for resource in export.resource_metrics)
        for metric in chain.from_iterable(scope.metrics for scope in scopes):
            for point in _points(metric):
                self._world.metrics[f"{point['name']} {point['attributes']}"] = point
        return _taken()

    async def show(self, _request: Request) -> Response:
        """GET /_control/telemetry."""
        return JSONResponse({"spans": self._world.spans, "metrics": [*self._world.metrics.values()]})


def _span(span: Span) -> dict[str, Any]:
    return {
        "name": span.name,
        "kind": Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
        "trace_id": span.trace_id.hex(),
        "span_id": span.span_id.hex(),
        "parent_id": span.parent_span_id.hex() or None,
        "took_ms": (span.end_time_unix_nano - span.start_time_unix_nano) / 1e6,
        "attributes": _attributes(span.attributes),
        "status": MessageToDict(span.status),
        "events": [MessageToDict(event) for event in span.events],
    }


def _points(metric: Metric) -> Iterable[dict[str, Any]]:
    kind = metric.WhichOneof("data")
    for point in getattr(metric, kind).data_points if kind else ():
        read = {"name": metric.name, "unit": metric.unit, "kind": kind, "attributes": _attributes(point.attributes)}
        if kind == "histogram":
            yield read | {"count": point.count, "sum": point.sum}
        else:
            yield read | {"value": getattr(point, point.WhichOneof("value"))}


def _attributes(attributes: Iterable[KeyValue]) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value") or "string_value") for each in attributes}


def _taken() -> Response:
    return Response(media_type="application/x-protobuf")


def routes(world: World) -> list[Route]:
    """Return the routes of the collector, and of what it has kept."""
    collector = Collector(world)
    return [
        Route("/otlp/v1/traces", collector.take_spans, methods=["POST"]),
        Route("/otlp/v1/metrics", collector.take_metrics, methods=["POST"]),
        Route("/_control/telemetry", collector.show, methods=["GET"]),
    ]
