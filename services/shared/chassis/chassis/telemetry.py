"""What happened: one trace from the device to the stored day, and structured logs that carry its ID."""

import logging
import os
import sys
import threading
import traceback
from collections.abc import Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import structlog
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from chassis.metrics import gauge

PROCESS = gauge("tartip_process_info", "processes", "1; the labels say which process of which service this is", ("component", "process"))

tracer = trace.get_tracer("tartip")
EXPORT_DELAY_MS = 500  # a demo and a test look at traces right after the fact
QUIET = {"aiokafka": logging.ERROR, "aiohttp.access": logging.WARNING, "grpc": logging.WARNING}
# Libraries whose errors quote rows and parameters: an IIN would stand in the log.
QUOTING = ("sqlalchemy", "asyncpg", "pydantic", "google.protobuf")

_W3C = TraceContextTextMapPropagator()
_PARENT_MOST = 512  # characters; version 00 has 55, and a later one may have more


class TelemetrySettings(Protocol):
    """What telemetry needs to know: "" | "otlp:http://collector:4317" | "file:/path/traces.jsonl"."""

    @property
    def traces(self) -> str:
        """Where spans go."""


class UnknownExporter(ValueError):
    """TARTIP_TRACES names something that spans cannot be sent to."""


def start(service: str, settings: TelemetrySettings) -> None:
    """Begins logging and tracing in the name of `service` ("registry serve"); once a process, before anything else.

    With no exporter spans are not recorded, but trace IDs are made and carried on all the same. The share of recorded
    traces is set by the standard variables OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG.
    """
    log_as_json(service)
    component, _, process = service.partition(" ")
    PROCESS.labels(component, process).set(1)
    resource = Resource.create({"service.name": service})
    exporter = _exporter(settings.traces)
    if exporter is None:
        trace.set_tracer_provider(TracerProvider(resource=resource, sampler=ALWAYS_OFF))
        return
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=EXPORT_DELAY_MS))
    trace.set_tracer_provider(provider)


def carrier() -> dict[str, str]:
    """Returns the headers that carry the current trace on: {"traceparent": …}; empty outside of a trace."""
    headers: dict[str, str] = {}
    _W3C.inject(headers)
    return headers


def continued(headers: Mapping[str, str]) -> Context:
    """Returns the context of the trace that `headers` carry, for `tracer.start_as_current_span(context=…)`.

    Their `traceparent` alone is read: the library would write into the log what strangers put into the other, or how long they made this one.
    """
    parent = headers.get("traceparent", "")
    return _W3C.extract({"traceparent": parent} if len(parent) <= _PARENT_MOST else {}, context=otel_context.Context())


def trace_id() -> str | None:
    """Returns the ID of the current trace, 32 hexadecimal digits, or None outside of one."""
    span = trace.get_current_span().get_span_context()
    return trace.format_trace_id(span.trace_id) if span.is_valid else None


def log_as_json(service: str) -> None:
    """Makes every log of the process, ours and the libraries', one line of JSON on standard error."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _with_trace,
        structlog.processors.ExceptionRenderer(traceback_without_values),
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.EventRenamer("message"),
                _with_service(service),
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(os.environ.get("TARTIP_LOG_LEVEL", "INFO").upper())
    for name, level in QUIET.items():
        logging.getLogger(name).setLevel(level)


def traceback_without_values(exc_info: structlog.typing.ExcInfo) -> str:
    """Returns the traceback with neither local variables nor the texts of errors that quote the data they failed on."""
    parts = traceback.TracebackException(*exc_info, capture_locals=False)
    _hush(parts)
    return "".join(parts.format()).rstrip()


def _hush(error: traceback.TracebackException | None) -> None:
    if error is None:
        return
    if error.exc_type is not None and error.exc_type.__module__.startswith(QUOTING):
        error._str = "(its text may hold data)"  # type: ignore[attr-defined]
    for link in (error.__cause__, error.__context__, *(error.exceptions or ())):
        _hush(link)


def _with_trace(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    current = trace_id()
    if current is not None:
        event["trace_id"] = current
    return event


def _with_service(service: str) -> structlog.typing.Processor:
    def add(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["service"] = service
        return event

    return add


def _exporter(spec: str) -> SpanExporter | None:
    kind, _, target = spec.partition(":")
    match kind:
        case "":
            return None
        case "otlp" if target:
            # Most processes on one machine send their spans nowhere, and start a quarter of a second earlier without it.
            from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

            return OTLPSpanExporter(endpoint=target, insecure=not target.startswith("https:"))
        case "file" if target:
            return JsonLines(Path(target))
    raise UnknownExporter(f"TARTIP_TRACES is {spec!r}; it may be empty, otlp:URL or file:PATH")


class JsonLines(SpanExporter):
    """Spans in a file, one a line; several processes may append to one file."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._lock = threading.Lock()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Appends the spans in one write each, so that lines of several processes never mix."""
        with self._lock:
            for span in spans:
                os.write(self._file, (span.to_json(indent=None) + "\n").encode())
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Closes the file."""
        with self._lock:
            os.close(self._file)
