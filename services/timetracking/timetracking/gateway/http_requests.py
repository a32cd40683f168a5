"""What both HTTP protocols do with a request before it is read: take its body whole, or refuse by name."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from aiohttp import ClientError, web
from aiohttp.http_exceptions import HttpProcessingError
from chassis.telemetry import continued, tracer
from chassis.transient import is_transient
from opentelemetry.trace import SpanKind

from timetracking.gateway import counters
from timetracking.gateway.batches import NotTaken
from timetracking.gateway.rarely import Rarely

log = structlog.get_logger("timetracking.gateway")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(eq=False, slots=True)
class RequestRefused(Exception):
    """A request is refused as a whole: an HTTP status, the reason's name, a sentence, the device where it is enrolled, and when to try again."""

    status: int
    reason: str
    sentence: str
    device: str = counters.STRANGER
    retry_after_s: int | None = None


async def whole_body(request: web.Request, within_s: float, device: str = counters.STRANGER, most: int | None = None) -> bytes:
    """Returns the body once all of it is here. A body that is too large, too slow or cut is refused whole: not a part of it is read.

    A compressed body is refused too: no terminal sends one, and HTTP does not tell where it was cut. `most` bytes are read where
    that is less than of others.
    """
    if most is not None and most < request.client_max_size:
        request = request.clone(client_max_size=most)
    most = request.client_max_size
    if request.headers.get("Content-Encoding", "identity").strip().lower() not in ("identity", ""):
        raise RequestRefused(415, "content-encoding", "the body is to come as it is, not compressed", device)
    if request.content_length is not None and request.content_length > most:
        raise RequestRefused(413, "too-large", f"the body is larger than {most} bytes", device)
    try:
        async with asyncio.timeout(within_s):
            return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise RequestRefused(413, "too-large", f"the body is larger than {most} bytes", device) from None
    except TimeoutError:
        raise RequestRefused(408, "too-slow", f"the body did not arrive within {within_s:g} s", device) from None
    except (ClientError, HttpProcessingError, ConnectionError, asyncio.IncompleteReadError):
        raise RequestRefused(400, "incomplete", "the body is cut", device) from None


def answered(name: str, handle: Handler, refusal: Callable[[web.Request, int, str], web.Response], rarely: Rarely) -> Handler:
    """Wraps a handler so that a device always gets an answer in its own protocol, and its request is one span.

    `refusal` writes (request, status, sentence) in that protocol. Nothing is acknowledged that did not go through.
    """

    async def answering(request: web.Request) -> web.StreamResponse:
        with tracer.start_as_current_span(name, continued(request.headers), SpanKind.SERVER, record_exception=False) as span:
            try:
                answer = await handle(request)
            except RequestRefused as refused:
                counters.received.labels(refused.device).inc()
                counters.refused.labels(refused.device, refused.reason).inc()
                if (before := rarely.again("refused", refused.device, refused.reason)) is not None:
                    log.warning("a request is refused", reason=refused.reason, device=refused.device, passed_over=before)
                answer = refusal(request, refused.status, refused.sentence)
                if refused.status == 401:  # firmware that knows HTTP Basic sends the password only where it is asked for it
                    answer.headers["WWW-Authenticate"] = 'Basic realm="tartip"'
                if refused.retry_after_s is not None:
                    answer.headers["Retry-After"] = str(refused.retry_after_s)
                answer.force_close()  # what is left of its body is not worth waiting for
            except NotTaken as not_taken:
                log.warning("not taken: the device is to send it again", why=str(not_taken))
                answer = refusal(request, 503, "not taken, send again")
            except Exception as error:
                transient = is_transient(error)
                log.exception("a device's request failed", transient=transient)
                answer = refusal(request, 503 if transient else 500, "not taken, send again")
            span.set_attribute("http.response.status_code", answer.status)
            return answer

    return answering
