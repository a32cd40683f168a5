import pytest
from chassis.outbox import MOST_BYTES, outbox_row
from google.protobuf.wrappers_pb2 import BytesValue, StringValue
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from tartip.registry.v1.events_pb2 import ServantChanged

SPAN = SpanContext(0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))


def test_a_row_carries_what_every_event_carries() -> None:
    with trace.use_span(NonRecordingSpan(SPAN)):
        row = outbox_row("registry.servants.v1", "aida", StringValue(value="x"), event_id="e1")
    assert row.headers == {
        "event_id": "e1",
        "content-type": "application/protobuf",
        "schema": "google.protobuf.StringValue",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    }


def test_the_events_own_id_goes_into_the_header() -> None:
    assert outbox_row("registry.servants.v1", "aida", ServantChanged(event_id="e2")).headers["event_id"] == "e2"
    assert len(outbox_row("registry.servants.v1", "aida", ServantChanged()).headers["event_id"]) == 36


def test_a_tombstone_has_no_value() -> None:
    assert outbox_row("registry.servants.v1", "aida", None).payload is None


def test_what_kafka_would_refuse_is_refused_where_it_is_written() -> None:
    outbox_row("t", "k", BytesValue(value=bytes(MOST_BYTES - 10)))
    with pytest.raises(ValueError, match="900"):
        outbox_row("t", "k", BytesValue(value=bytes(MOST_BYTES)))
