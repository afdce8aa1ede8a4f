"""What was told to whoever listens: spans and metrics of this process, kept in memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, HistogramDataPoint, InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

DELTA = AggregationTemporality.DELTA


@dataclass(frozen=True)
class Told:
    """All that was told since the test began."""

    exporter: InMemorySpanExporter
    reader: InMemoryMetricReader

    def spans(self) -> dict[str, ReadableSpan]:
        """By name; a test has one of each."""
        return {span.name: span for span in self.exporter.get_finished_spans()}

    def metrics(self) -> dict[str, list[tuple[Mapping[str, Any], float]]]:
        """By name: the attributes and the value, or the sum, of each point since the last look."""
        data = self.reader.get_metrics_data()
        return {
            metric.name: [(dict(point.attributes), _value(point)) for point in metric.data.data_points]
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }


def _value(point: Any) -> float:
    return point.sum if isinstance(point, HistogramDataPoint) else point.value


@pytest.fixture(scope="session")
def listener() -> Told:
    """The process's only one; the API lets nobody replace it."""
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader({Counter: DELTA, Histogram: DELTA})
    tracers = TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(tracers)
    metrics.set_meter_provider(MeterProvider([reader]))
    return Told(exporter, reader)


@pytest.fixture
def told(listener: Told) -> Told:
    listener.exporter.clear()
    listener.metrics()
    return listener
