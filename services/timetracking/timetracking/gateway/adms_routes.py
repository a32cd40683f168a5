"""The addresses at which ZKTeco terminals knock, and what they are told."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from aiohttp import web
from chassis.clock import Clock

from timetracking.devices.domain import Protocol
from timetracking.gateway import adms
from timetracking.gateway.admission import Admission
from timetracking.gateway.domain import EnrolledDevice
from timetracking.gateway.http_requests import RequestRefused, answered, whole_body
from timetracking.gateway.intake import Intake

_TEXT_TYPES = ("text/", "application/x-www-form-urlencoded", "application/push", "application/octet-stream")


class AdmsRoutes:
    """ZKTeco ADMS over HTTP: a handshake, uploads, and questions for commands of which there are none."""

    def __init__(self, admission: Admission, intake: Intake, clock: Clock, zone: ZoneInfo, body_within_s: float) -> None:
        self._admission = admission
        self._intake = intake
        self._clock = clock
        self._zone = zone
        self._body_within_s = body_within_s

    def routes(self) -> list[web.RouteDef]:
        """Returns the routes; older firmware puts ".aspx" behind each path.

        Where the server's address may hold a path, the device's secret stands there: http://gateway/{secret}/iclock/….
        """
        handlers = [
            ("GET", "cdata", self._shake_hands),
            ("POST", "cdata", self._upload),
            ("GET", "getrequest", self._nothing_to_do),
            ("GET", "ping", self._nothing_to_do),
            ("POST", "devicecmd", self._command_done),
        ]
        return [
            web.route(
                method, f"{beneath}/iclock/{path}{suffix}", answered(f"adms {method} {path}", handle, refusal, self._admission.rarely)
            )
            for method, path, handle in handlers
            for suffix in ("", ".aspx")
            for beneath in ("", "/{secret}")
        ]

    async def _shake_hands(self, request: web.Request) -> web.Response:
        device = await self._admitted(request)
        self._admission.pay(device, 1)
        now = self._clock().astimezone(self._zone)
        return _text(adms.options(device.serial, now.utcoffset() or timedelta()))

    async def _upload(self, request: web.Request) -> web.Response:
        device = await self._admitted(request)
        media_type = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if media_type and not media_type.startswith(_TEXT_TYPES):
            raise RequestRefused(415, "content-type", "the body is to be text", device.serial)
        body = await whole_body(request, self._body_within_s, device.serial)
        table = _asked(request, "TABLE").upper()
        if table in adms.WITHOUT_PASSAGES:
            self._admission.pay(device, 1)
            self._intake.ignore(device, 1, self._clock())
            return _text(adms.taken(1))
        lines = adms.lines(body) if not adms.ends_too_often(body) else None
        if lines is None or len(lines) > adms.LINES_MOST:
            raise RequestRefused(413, "too-many", f"more than {adms.LINES_MOST} lines", device.serial)
        self._admission.pay(device, len(lines))
        await self._intake.take(device, adms.read(device, lines) if table == adms.PASSAGES else adms.of_unknown_table(lines))
        return _text(adms.taken(len(lines)))

    async def _nothing_to_do(self, request: web.Request) -> web.Response:
        self._admission.pay(await self._admitted(request), 1)
        return _text("OK")

    async def _command_done(self, request: web.Request) -> web.Response:
        device = await self._admitted(request)
        self._admission.pay(device, 1)
        await whole_body(request, self._body_within_s, device.serial)
        return _text("OK")

    async def _admitted(self, request: web.Request) -> EnrolledDevice:
        return await self._admission.device(request, _asked(request, "SN"), Protocol.ADMS)


def refusal(request: web.Request, status: int, sentence: str) -> web.Response:
    """Returns a refusal as terminals understand it: anything but OK means "keep it"."""
    return _text(f"ERROR: {sentence}", status)


def _asked(request: web.Request, parameter: str) -> str:
    """Returns a parameter of the address: firmware agrees on their names, not on their case."""
    return next((value for name, value in request.query.items() if name.upper() == parameter), "").strip()


def _text(text: str, status: int = 200) -> web.Response:
    return web.Response(text=text, status=status, content_type="text/plain")
