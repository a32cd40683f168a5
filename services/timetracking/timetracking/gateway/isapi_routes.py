"""The addresses to which Hikvision terminals push, and what they are told."""

from aiohttp import web

from timetracking.devices.domain import Protocol
from timetracking.gateway import counters, isapi
from timetracking.gateway.admission import Admission
from timetracking.gateway.http_requests import RequestRefused, answered, whole_body
from timetracking.gateway.intake import Intake

NAMELESS_BODY_MOST = 2 * 1024 * 1024
"""Bytes of a body that is read before its device is known. An event with two pictures has 1 MB."""

# The protocol's own status codes, with the nearest of its own sub-codes.
_STATUSES = {
    400: (6, "Invalid Message Content", "badParameters"),
    401: (4, "Invalid Operation", "lowPrivilege"),
    403: (4, "Invalid Operation", "lowPrivilege"),
    408: (6, "Invalid Message Content", "badParameters"),
    413: (6, "Invalid Message Content", "badParameters"),
    415: (5, "Invalid Message Format", "badJsonFormat"),
    500: (3, "Device Error", "deviceError"),
    503: (2, "Device Busy", "deviceBusy"),
}


class IsapiRoutes:
    """Hikvision ISAPI over HTTP: one event a request."""

    def __init__(self, admission: Admission, intake: Intake, body_within_s: float) -> None:
        self._admission = admission
        self._intake = intake
        self._body_within_s = body_within_s

    def routes(self) -> list[web.RouteDef]:
        """Returns the routes; /isapi alone takes the serial from the query or from the event. Behind the serial may stand the secret."""
        handle = answered("isapi POST event", self._push, refusal, self._admission.rarely)
        paths = ("/isapi", "/isapi/", "/isapi/{serial}", "/isapi/{serial}/", "/isapi/{serial}/{secret}")
        return [web.post(path, handle) for path in paths]

    async def _push(self, request: web.Request) -> web.Response:
        addressed = request.match_info.get("serial") or request.query.get("serial", "")
        if addressed:  # a stranger is refused before its body is read
            device = await self._admission.device(request, addressed, Protocol.ISAPI)
            pushed = _alerts(request, await whole_body(request, self._body_within_s, device.serial), device.serial)
        else:
            self._admission.knock(request)
            pushed = _alerts(request, await whole_body(request, self._body_within_s, most=NAMELESS_BODY_MOST))
            named = {alert.device_id for alert in pushed}
            device = await self._admission.device(request, named.pop() if len(named) == 1 else "", Protocol.ISAPI)
        self._admission.pay(device, len(pushed))
        await self._intake.take(device, isapi.read(device, pushed))
        return _response(request, 200, 1, "OK", "ok")


def refusal(request: web.Request, status: int, sentence: str) -> web.Response:
    """Returns a refusal as the protocol's ResponseStatus; the terminal keeps the event."""
    code, text, sub_code = _STATUSES[status]
    return _response(request, status, code, text, sub_code, sentence)


def _alerts(request: web.Request, body: bytes, device: str = counters.STRANGER) -> list[isapi.Alert]:
    try:
        return isapi.alerts(request.headers.get("Content-Type", ""), body)
    except isapi.WrongContentType as wrong:
        sentence = f"the content type is to be {wrong}"
        raise RequestRefused(415, "content-type", sentence, device) from None


def _response(request: web.Request, status: int, code: int, text: str, sub_code: str, sentence: str = "") -> web.Response:
    secret = request.match_info.get("secret")
    path = request.path.removesuffix(f"/{secret}") if secret else request.path
    body = isapi.answer(path, code, text, sub_code, sentence)
    return web.Response(text=body, status=status, content_type="application/json")
