"""The trace of a message goes on where the message is applied."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from opentelemetry import context, trace
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode

from chassis.telemetry import continued, tracer

# A group may hold hundreds of traces; more links than these make a span nobody reads.
_MOST_LINKS = 64


@contextmanager
def following(topic: str, headers: Sequence[Mapping[str, str]]) -> Iterator[None]:
    """A span around the work on messages with these headers: in their trace if they share one, else linked to all."""
    spans: dict[tuple[int, int], SpanContext] = {}
    for each in headers:
        sent = trace.get_current_span(continued(each)).get_span_context()
        if sent.is_valid:
            spans[sent.trace_id, sent.span_id] = sent
    traces = {trace_id for trace_id, _ in spans}
    single = next(iter(spans.values())) if len(traces) == 1 else None
    parent = trace.set_span_in_context(trace.NonRecordingSpan(single)) if single else context.Context()
    links = [Link(sent) for sent in spans.values() if sent is not single][:_MOST_LINKS]
    with tracer.start_as_current_span(
        f"apply {topic}",
        context=parent,
        kind=SpanKind.CONSUMER,
        links=links,
        attributes={"messaging.destination.name": topic, "messaging.batch.message_count": len(headers)},
        record_exception=False,  # an error's text may name a person
        set_status_on_exception=False,
    ) as span:
        try:
            yield
        except BaseException as error:
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise
