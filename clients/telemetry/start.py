"""Lets spans and metrics go to whoever the environment names, or to nobody.

    APPLICATIONINSIGHTS_CONNECTION_STRING   Azure Monitor; APPLICATIONINSIGHTS_AUTHENTICATION_STRING names the identity
    OTEL_EXPORTER_OTLP_ENDPOINT             any collector, by OTLP over HTTP; OpenTelemetry's other settings hold, too
    REELAY_TELEMETRY=console                standard output
    REELAY_METRICS_ENDPOINT=true            whoever asks for GET /metrics

What is not wanted is not imported, for that takes memory, and time at every cold start.
"""
# ruff: noqa: PLC0415

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from opentelemetry import metrics, trace

from clients.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricExporter, MetricReader
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace.export import SpanExporter


class Telemetry(NamedTuple):
    """What was started.

    Attributes:
        is_on: Whether anybody wants spans or metrics.
        metrics_text: The metrics in Prometheus's format, if they may be asked for.
    """

    is_on: bool
    metrics_text: Callable[[], bytes] | None


def start_telemetry(settings: Settings, environment: Mapping[str, str]) -> Telemetry:
    """Start what is asked for; a process does so once.

    Args:
        settings: The app's own.
        environment: Where the exporters find theirs.
    """
    if exporters := [*_span_exporters(settings, environment)]:
        _trace(exporters, environment)
    if readers := [*_metric_readers(settings, environment)]:
        _measure(readers, environment)
    return Telemetry(bool(exporters or readers), _prometheus_text() if settings.metrics_endpoint else None)


def _span_exporters(settings: Settings, environment: Mapping[str, str]) -> "Iterator[SpanExporter]":
    if _has_azure_monitor("TRACES", environment):
        from azure.monitor.opentelemetry.exporter import AzureMonitorTraceExporter

        yield AzureMonitorTraceExporter(disable_offline_storage=True)
    if _has_collector("TRACES", environment):
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        yield OTLPSpanExporter()
    if settings.telemetry == "console":
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter

        yield ConsoleSpanExporter(formatter=lambda span: f"{span.to_json(None)}\n")


def _metric_exporters(settings: Settings, environment: Mapping[str, str]) -> "Iterator[MetricExporter]":
    if _has_azure_monitor("METRICS", environment):
        from azure.monitor.opentelemetry.exporter import AzureMonitorMetricExporter

        yield AzureMonitorMetricExporter(disable_offline_storage=True)
    if _has_collector("METRICS", environment):
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

        yield OTLPMetricExporter()
    if settings.telemetry == "console":
        from opentelemetry.sdk.metrics.export import ConsoleMetricExporter

        yield ConsoleMetricExporter(formatter=lambda data: f"{data.to_json(None)}\n")


def _metric_readers(settings: Settings, environment: Mapping[str, str]) -> "Iterator[MetricReader]":
    for exporter in _metric_exporters(settings, environment):
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

        yield PeriodicExportingMetricReader(exporter)
    if settings.metrics_endpoint:
        from opentelemetry.exporter.prometheus import PrometheusMetricReader

        yield PrometheusMetricReader(scope_info_enabled=False)


def _prometheus_text() -> Callable[[], bytes]:
    from prometheus_client import generate_latest

    return generate_latest


def _trace(exporters: "Iterable[SpanExporter]", environment: Mapping[str, str]) -> None:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON

    # The parent's flag is not to decide: that of a host that records nothing would silence us, and that of any caller.
    sampler = None if environment.get("OTEL_TRACES_SAMPLER") else ALWAYS_ON
    provider = TracerProvider(sampler, _resource(environment))
    for exporter in exporters:
        provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)


def _measure(readers: "Sequence[MetricReader]", environment: Mapping[str, str]) -> None:
    from opentelemetry.sdk.metrics import MeterProvider

    metrics.set_meter_provider(MeterProvider(readers, resource=_resource(environment)))


def _resource(environment: Mapping[str, str]) -> "Resource":
    from opentelemetry.sdk.resources import Resource

    return Resource.create({"service.name": environment.get("OTEL_SERVICE_NAME", "reelay")})


def _has_azure_monitor(signal: str, environment: Mapping[str, str]) -> bool:
    return _is_wanted(signal, environment) and bool(environment.get("APPLICATIONINSIGHTS_CONNECTION_STRING"))


def _has_collector(signal: str, environment: Mapping[str, str]) -> bool:
    """Whether a signal has somewhere to go, in the words of OpenTelemetry's specification."""
    endpoints = ("OTEL_EXPORTER_OTLP_ENDPOINT", f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
    return _is_wanted(signal, environment) and any(environment.get(name) for name in endpoints)


def _is_wanted(signal: str, environment: Mapping[str, str]) -> bool:
    return environment.get(f"OTEL_{signal}_EXPORTER") != "none"
