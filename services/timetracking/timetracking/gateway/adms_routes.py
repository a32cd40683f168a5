"""The addresses at which ZKTeco terminals knock, and what they are told."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from aiohttp import web
from chassis.clock import Clock

from timetracking.devices.domain import Protocol
from timetracking.gateway import adms
from timetracking.gateway.allow_list import AllowList
from timetracking.gateway.http_requests import RequestRefused, answered, enrolled, whole_body
from timetracking.gateway.intake import Intake

_TEXT_TYPES = ("text/", "application/x-www-form-urlencoded", "application/push", "application/octet-stream")


class AdmsRoutes:
    """ZKTeco ADMS over HTTP: a handshake, uploads, and questions for commands of which there are none."""

    def __init__(self, allow_list: AllowList, intake: Intake, clock: Clock, zone: ZoneInfo, body_within_s: float) -> None:
        self._allow_list = allow_list
        self._intake = intake
        self._clock = clock
        self._zone = zone
        self._body_within_s = body_within_s

    def routes(self) -> list[web.RouteDef]:
        """Returns the routes; older firmware puts ".aspx" behind each path."""
        handlers = [
            ("GET", "cdata", self._shake_hands),
            ("POST", "cdata", self._upload),
            ("GET", "getrequest", self._nothing_to_do),
            ("GET", "ping", self._nothing_to_do),
            ("POST", "devicecmd", self._command_done),
        ]
        return [
            web.route(method, f"/iclock/{path}{suffix}", answered(f"adms {method} {path}", handle, refusal))
            for method, path, handle in handlers
            for suffix in ("", ".aspx")
        ]

    async def _shake_hands(self, request: web.Request) -> web.Response:
        device = await enrolled(self._allow_list, _serial(request), Protocol.ADMS)
        now = self._clock().astimezone(self._zone)
        return _text(adms.options(device.serial, now.utcoffset() or timedelta()))

    async def _upload(self, request: web.Request) -> web.Response:
        device = await enrolled(self._allow_list, _serial(request), Protocol.ADMS)
        media_type = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if media_type and not media_type.startswith(_TEXT_TYPES):
            raise RequestRefused(415, "content-type", "the body is to be text", device.serial)
        body = await whole_body(request, self._body_within_s, device.serial)
        table = _asked(request, "TABLE").upper()
        if table in adms.WITHOUT_PASSAGES:
            self._intake.ignore(device, 1, self._clock())
            return _text(adms.taken(1))
        lines = adms.lines(body)
        if len(lines) > adms.LINES_MOST:
            raise RequestRefused(413, "too-many", f"more than {adms.LINES_MOST} lines", device.serial)
        await self._intake.take(device, adms.read(device, lines) if table == adms.PASSAGES else adms.of_unknown_table(lines))
        return _text(adms.taken(len(lines)))

    async def _nothing_to_do(self, request: web.Request) -> web.Response:
        await enrolled(self._allow_list, _serial(request), Protocol.ADMS)
        return _text("OK")

    async def _command_done(self, request: web.Request) -> web.Response:
        device = await enrolled(self._allow_list, _serial(request), Protocol.ADMS)
        await whole_body(request, self._body_within_s, device.serial)
        return _text("OK")


def refusal(request: web.Request, status: int, sentence: str) -> web.Response:
    """Returns a refusal as terminals understand it: anything but OK means "keep it"."""
    return _text(f"ERROR: {sentence}", status)


def _serial(request: web.Request) -> str:
    return _asked(request, "SN")


def _asked(request: web.Request, parameter: str) -> str:
    """Returns a parameter of the address: firmware agrees on their names, not on their case."""
    return next((value for name, value in request.query.items() if name.upper() == parameter), "").strip()


def _text(text: str, status: int = 200) -> web.Response:
    return web.Response(text=text, status=status, content_type="text/plain")
