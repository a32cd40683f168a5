"""The addresses to which Hikvision terminals push, and what they are told."""

from aiohttp import web

from timetracking.devices.domain import Protocol
from timetracking.gateway import isapi
from timetracking.gateway.allow_list import AllowList
from timetracking.gateway.http_requests import RequestRefused, answered, enrolled, whole_body
from timetracking.gateway.intake import Intake

# The protocol's own status codes, with the nearest of its own sub-codes.
_STATUSES = {
    400: (6, "Invalid Message Content", "badParameters"),
    403: (4, "Invalid Operation", "lowPrivilege"),
    408: (6, "Invalid Message Content", "badParameters"),
    413: (6, "Invalid Message Content", "badParameters"),
    415: (5, "Invalid Message Format", "badJsonFormat"),
    500: (3, "Device Error", "deviceError"),
    503: (2, "Device Busy", "deviceBusy"),
}


class IsapiRoutes:
    """Hikvision ISAPI over HTTP: one event a request."""

    def __init__(self, allow_list: AllowList, intake: Intake, body_within_s: float) -> None:
        self._allow_list = allow_list
        self._intake = intake
        self._body_within_s = body_within_s

    def routes(self) -> list[web.RouteDef]:
        """Returns the routes; /isapi alone takes the serial from the query or from the event."""
        handle = answered("isapi POST event", self._push, refusal)
        return [web.post(path, handle) for path in ("/isapi", "/isapi/", "/isapi/{serial}", "/isapi/{serial}/")]

    async def _push(self, request: web.Request) -> web.Response:
        addressed = request.match_info.get("serial") or request.query.get("serial", "")
        if addressed:  # a stranger is refused before its body is read
            device = await enrolled(self._allow_list, addressed, Protocol.ISAPI)
            pushed = _alerts(request, await whole_body(request, self._body_within_s, device.serial), device.serial)
        else:
            pushed = _alerts(request, await whole_body(request, self._body_within_s))
            named = {alert.device_id for alert in pushed}
            device = await enrolled(self._allow_list, named.pop() if len(named) == 1 else "", Protocol.ISAPI)
        await self._intake.take(device, isapi.read(device, pushed))
        return _response(request, 200, 1, "OK", "ok")


def refusal(request: web.Request, status: int, sentence: str) -> web.Response:
    """Returns a refusal as the protocol's ResponseStatus; the terminal keeps the event."""
    code, text, sub_code = _STATUSES[status]
    return _response(request, status, code, text, sub_code, sentence)


def _alerts(request: web.Request, body: bytes, device: str | None = None) -> list[isapi.Alert]:
    try:
        return isapi.alerts(request.headers.get("Content-Type", ""), body)
    except isapi.WrongContentType as wrong:
        sentence = f"the content type is to be {wrong}"
        raise RequestRefused(415, "content-type", sentence, *([device] if device else [])) from None


def _response(request: web.Request, status: int, code: int, text: str, sub_code: str, sentence: str = "") -> web.Response:
    body = isapi.answer(request.path, code, text, sub_code, sentence)
    return web.Response(text=body, status=status, content_type="application/json")
