"""One trace through all, and logs that keep quiet about people."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy.exc
import structlog
from chassis.metrics import catalogue, counter
from chassis.telemetry import JsonLines, UnknownExporter, carrier, continued, start, trace_id, traceback_without_values
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

PARENT = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
PROCESS = """
import logging, sys
from chassis.metrics import exposition
from types import SimpleNamespace
from chassis.telemetry import carrier, continued, start, tracer
import structlog
start("registry serve", SimpleNamespace(traces=sys.argv[1]))
with tracer.start_as_current_span("outer", context=continued({"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"})):
    structlog.get_logger("chassis.test").info("сәлем", rows=3)
    logging.getLogger("aiokafka").error("away")
    print(carrier()["traceparent"])
print(*(line for line in exposition()[0].decode().splitlines() if line.startswith("tartip_process_info")))
"""


def _run(traces: str) -> tuple[str, list[dict[str, Any]]]:
    done = subprocess.run([sys.executable, "-c", PROCESS, traces], capture_output=True, text=True, check=True, timeout=60)
    traceparent, shown = done.stdout.splitlines()
    assert shown == 'tartip_process_info{component="registry",process="serve"} 1.0'
    return traceparent, [json.loads(line) for line in done.stderr.splitlines()]


def test_logs_of_ours_and_of_libraries_are_json_and_carry_the_trace() -> None:
    traceparent, logs = _run("")
    assert [(row["message"], row["level"], row["service"]) for row in logs] == [
        ("сәлем", "info", "registry serve"),
        ("away", "error", "registry serve"),
    ]
    assert {row["trace_id"] for row in logs} == {"0af7651916cd43dd8448eb211c80319c"}
    assert logs[0]["rows"] == 3
    assert traceparent.startswith("00-0af7651916cd43dd8448eb211c80319c-")


def test_spans_stand_in_a_file_one_a_line_in_the_callers_trace(tmp_path: Path) -> None:
    file = tmp_path / "run" / "traces.jsonl"
    for _ in range(2):
        _run(f"file:{file}")
    spans = [json.loads(line) for line in file.read_text().splitlines()]
    assert [span["name"] for span in spans] == ["outer", "outer"]
    assert {span["context"]["trace_id"] for span in spans} == {"0x0af7651916cd43dd8448eb211c80319c"}
    assert {span["parent_id"] for span in spans} == {"0xb7ad6b7169203331"}
    assert spans[0]["resource"]["attributes"]["service.name"] == "registry serve"


@pytest.mark.parametrize("spec", ["zipkin:http://x", "otlp:", "file:", "otlp", "/tmp/x"])
def test_an_exporter_that_does_not_exist_is_an_error(spec: str, logging_restored: None) -> None:
    with pytest.raises(UnknownExporter, match="TARTIP_TRACES"):
        start("registry serve", SimpleNamespace(traces=spec))


def test_headers_carry_a_trace_on(tmp_path: Path) -> None:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(JsonLines(tmp_path / "spans")))
    with provider.get_tracer("test").start_as_current_span("work", context=continued(PARENT)):
        headers = carrier()
        assert trace_id() == "0af7651916cd43dd8448eb211c80319c"
    assert trace_id() is None
    sent = trace.get_current_span(continued(headers)).get_span_context()
    assert trace.format_trace_id(sent.trace_id) == "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize("headers", [{}, {"traceparent": ""}, {"traceparent": "00-zz-zz-01"}])
def test_headers_without_a_trace_begin_one(headers: dict[str, str]) -> None:
    assert not trace.get_current_span(continued(headers)).get_span_context().is_valid


def test_a_traceback_quotes_no_row_and_no_variable() -> None:
    iin = "850101300123"

    def fail() -> None:
        shown = iin
        raise sqlalchemy.exc.IntegrityError(f"INSERT {shown}", {"iin": shown}, ValueError(shown))

    try:
        try:
            fail()
        except sqlalchemy.exc.IntegrityError as error:
            raise RuntimeError("not written") from error
    except RuntimeError:
        text = traceback_without_values(sys.exc_info())  # type: ignore[arg-type]
    assert "RuntimeError: not written" in text
    assert "sqlalchemy.exc.IntegrityError" in text
    assert iin not in text


def test_a_metric_is_declared_once_with_a_meaning() -> None:
    rows = {metric.name: metric for metric in catalogue()}
    assert all(metric.meaning and metric.unit for metric in rows.values())
    counter("tartip_test_planted_total", "tests", "Planted by a test")
    with pytest.raises(ValueError, match="twice"):
        counter("tartip_test_planted_total", "tests", "Planted by a test")
    with pytest.raises(ValueError, match="prefix"):
        counter("planted_total", "tests", "Planted by a test")
    with pytest.raises(ValueError, match="label job, which Prometheus gives"):
        counter("tartip_test_renamed_total", "tests", "Planted by a test", ("job", "reason"))


@pytest.fixture
def logging_restored() -> Iterator[None]:
    """Puts the handlers of the root logger back, which pytest reads."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


@pytest.mark.parametrize(
    "headers", [{"tracestate": "Айгүл=1"}, {"tracestate": "a" * 9_000}, {"traceparent": PARENT["traceparent"] + "0" * 600}]
)
def test_what_strangers_write_into_headers_of_traces_is_not_written_down(caplog: pytest.LogCaptureFixture, headers: dict[str, str]) -> None:
    continued({**PARENT, **headers})
    assert caplog.records == []
