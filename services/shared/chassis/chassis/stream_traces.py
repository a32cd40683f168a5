"""The trace of what was told goes on where it is worked on: a message where it is applied, a wish where it is done."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager

from opentelemetry import context, trace
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode

from chassis.telemetry import continued, tracer

# A group may hold hundreds of traces; more links than these make a span nobody reads.
_MOST_LINKS = 64


def following(topic: str, headers: Sequence[Mapping[str, str]]) -> AbstractContextManager[None]:
    """A span around the work on messages with these headers: in their trace if they share one, else linked to all."""
    about: dict[str, str | int] = {"messaging.destination.name": topic, "messaging.batch.message_count": len(headers)}
    return going_on(f"apply {topic}", headers, about, SpanKind.CONSUMER)


@contextmanager
def going_on(
    name: str, headers: Iterable[Mapping[str, str]], about: Mapping[str, str | int], kind: SpanKind = SpanKind.INTERNAL
) -> Iterator[None]:
    """A span around work that several asked for, each with the headers of its trace: in that trace if they share one, else linked to all."""
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
        name,
        context=parent,
        kind=kind,
        links=links,
        attributes=about,
        record_exception=False,  # an error's text may name a person
        set_status_on_exception=False,
    ) as span:
        try:
            yield
        except BaseException as error:
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise
