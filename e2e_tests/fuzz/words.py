"""Short texts: names, IDs, tokens, page tokens, metadata, the environment, the command line, files of operators, documents of fold."""

import json
import os
import tempfile
import time
from argparse import ArgumentTypeError
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch
from zoneinfo import ZoneInfo

from chassis import commands, topics
from chassis.access import Caller, Grant, grants_of
from chassis.audit_log.chain import Checkpoint
from chassis.clock import WrongClock, stepped
from chassis.errors import language_of
from chassis.interceptors.certificates import certificate_names
from chassis.interceptors.incoming import RESOURCE, incoming, resource_of
from chassis.issuer_keys import IssuerKeys, Published
from chassis.pages import PageTokens
from chassis.purposes import HEADER, Purpose, purpose_of
from chassis.rates import Buckets
from chassis.server import Limits
from chassis.settings import SettingsError, read, variable
from chassis.telemetry import continued
from chassis.testing.tokens import Tokens
from chassis.urls import asyncpg_url, place_of
from hypothesis import strategies as st
from kernel import names
from kernel.days import DaySpan
from kernel.faults import Malformed, Unauthenticated
from kernel.identifiers import check_id
from kernel.text import LocalizedText
from lawbook import load
from pydantic_settings import BaseSettings
from regimes import names as of_regimes
from registry import names as of_registry
from registry.protected.domain import Content, ProtectedFact, ProtectedFactKind
from registry.protected.export import opening
from registry.protected.sealing import sealed, written
from registry.servants.iin import Iin
from registry.settings import RegistrySettings
from tartip.registry.v1.state_body_service_pb2 import CreateUnitRequest
from timetracking import names as of_timetracking
from timetracking.gateway.settings import GatewaySettings
from timetracking.settings import TimetrackingSettings
from timetracking.workdays.fold import Refused, fold_document
from timetracking.workdays.fold_document import parsed

from .drawn import WORDS, json_values, octets, texts
from .driven import KEYS, done
from .target import Target

ROOT = Path(__file__).parents[2]
LAW = load()
READERS: Mapping[str, Callable[[str, str], object]] = {
    "body": names.body_of, "servant": names.servant_of, "unit": of_registry.unit_of, "position": of_registry.position_of,
    "appointment": of_registry.appointment_of, "hold": of_registry.hold_of, "protected fact": of_registry.protected_fact_of, "rules": of_regimes.rules_of, "assignment": of_regimes.assignment_of,
    "parameter": of_regimes.parameter_of, "device": of_timetracking.device_of, "session": of_timetracking.session_of,
    "workday": of_timetracking.workday_of, "parked": of_timetracking.parked_of, "parent": of_timetracking.parent_of,
}  # fmt: skip


R = TypeVar("R", bound=Exception)


def _refused(kind: type[R], reads: Callable[..., object], *given: Any) -> R | None:
    """The refusal, or None where what was given was read."""
    try:
        reads(*given)
    except kind as refused:
        return refused
    return None


def a_name(text: str) -> None:
    for what, read_name in READERS.items():
        if (refused := _refused(Malformed, read_name, text, what)) is not None:
            assert set(refused.violations) == {what}


def an_id(text: str) -> None:
    check_id(text, "id")


def an_iin(text: str) -> None:
    assert Iin.read(text).born.year >= 1900


TOKENS = Tokens()
TOKENS.rotate("EC")
VERIFIER = TOKENS.verifier()
CLAIMS = TOKENS.claims("anna", ["/state-bodies/KGD/hr-officer", "/nation/inspector"], "s-1") | {"exp": int(time.time()) + 10**7, "jti": "1"}


def a_token(token: str) -> None:
    done(VERIFIER.verify(token))


def a_signed_token(claims: Any) -> None:
    """Whatever the issuer signs is read, or counts for nothing."""
    if isinstance(claims, dict):
        said = done(VERIFIER.verify(TOKENS.sign(claims)))
        assert isinstance(said.subject, str)
        assert isinstance(said.client, str)


class Issuer:
    """Publishes whatever it is told to."""

    def __init__(self, keys: Any) -> None:
        self._keys = keys

    async def published(self) -> Published:
        return Published("issuer", self._keys, False)

    async def close(self) -> None:
        """Nothing to let go of."""


def an_issuer(published: Any) -> None:
    if isinstance(published, dict):
        done(_asked(IssuerKeys(Issuer(published), "issuer", False)))


async def _asked(keys: IssuerKeys) -> None:
    await keys.refresh()
    for kid in ("1", "2"):
        await keys.for_kid(kid, "ES256")


JWKS = {"keys": [{**key.as_dict(private=False), "kid": str(number)} for number, key in enumerate(TOKENS.keys, start=1)]}


def grants(paths: list[str]) -> None:
    for grant in grants_of(paths):
        assert Grant.parse(grant.path) == grant


PAGES, CALLER = PageTokens("key"), Caller("anna", "portal")


def a_page_token(token: str) -> None:
    PAGES.read(token, CALLER, "filter")


def metadata(given: dict[str, str]) -> None:
    class Context:
        def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
            return tuple(given.items())

    context: Any = Context()
    call = incoming("/a/b", context, False)
    assert 8 <= len(call.id) <= 64
    assert language_of(call.metadata.get("accept-language")) in ("kk", "ru", "en")
    LocalizedText("а", "б", "c").get(given.get("accept-language", ""))
    continued(call.metadata)


def a_resource(text: str) -> None:
    named = resource_of(CreateUnitRequest(parent=text))
    assert named == "" or RESOURCE.fullmatch(named)


def certificates(given: tuple[list[bytes], list[bytes]]) -> None:
    certificate_names({"x509_pem_cert": [b"-"], "x509_common_name": given[0], "x509_subject_alternative_name": given[1]})


def a_checkpoint(text: str) -> None:
    assert Checkpoint.read(str(Checkpoint.read(text, "start")), "start").seal.place >= 0


def a_url(text: str) -> None:
    place_of(asyncpg_url(text))


SET = {
    "TARTIP_DATABASE_URL": "postgresql://app:secret@localhost:5432/registry", "TARTIP_MIGRATOR_DATABASE_URL": "postgresql://a@b/c",
    "TARTIP_KAFKA": "127.0.0.1:9092,127.0.0.1:9093", "TARTIP_ISSUER": "http://127.0.0.1:1/realms/tartip", "TARTIP_LISTEN": "127.0.0.1:1",
    "TARTIP_ADMIN_LISTEN": "127.0.0.1:2", "TARTIP_PAGE_KEY": "key", "TARTIP_GATEWAY_LISTEN": "127.0.0.1:3",
}  # fmt: skip
SHOWN = opening(KEYS)
CONTENT = Content(ProtectedFactKind.PREGNANCY, DaySpan(date(2026, 11, 24), None), "№ 1")
FACT, SEALED = written(CONTENT), sealed(ProtectedFact("f-1", "s-1", CONTENT), KEYS)
OF_PROCESSES: tuple[type[BaseSettings], ...] = (TimetrackingSettings, GatewaySettings, RegistrySettings, Limits)
VARIABLES = sorted({variable(field) for settings in OF_PROCESSES for field in settings.model_fields} - {"TARTIP_CLOCK"})


def _told(settings: type[BaseSettings]) -> None:
    """Reads the environment, and what a process makes of it at its start."""
    told: Any = read(settings)
    if isinstance(told, GatewaySettings):
        ZoneInfo(told.gateway_zone)
        assert told.proxies is not None
    if isinstance(told, TimetrackingSettings):
        ZoneInfo(told.default_zone)
    for rate in (getattr(told, name, None) for name in ("device_rate", "client_rate", "stranger_rate", "subject_rate")):
        assert rate is None or Buckets(rate).wait_s("somebody") == 0


def the_environment(given: tuple[str, str]) -> None:
    name, text = given
    with patch.dict(os.environ, {**SET, name: text}):
        for settings in OF_PROCESSES:
            if (refused := _refused(SettingsError, _told, settings)) is not None:
                assert name in str(refused)
                assert len(text) < 12 or text not in str(refused), "the value may be a secret"


def a_purpose(text: str) -> None:
    assert purpose_of({HEADER: text}) in (None, *Purpose)


def a_sealed_row(content: bytes) -> None:
    row = {"id": "f-1", "servant": "s-1", "key": "fuzz", "content": f"\\x{content.hex()}", "revision": 1}
    assert SHOWN(row).keys() - row.keys() in ({"unread"}, FACT.keys())


def a_stepped_clock(content: bytes) -> None:
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(content)
        stepped(Path(file.name))


def a_file_of_topics(content: bytes) -> None:
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(content)
        topics.read(Path(file.name))


def the_command_line(text: str) -> None:
    for reads in (commands.instant, commands.day, commands.count):
        try:
            reads(text)
        except (ArgumentTypeError, ValueError):  # argparse says both to whoever typed it
            continue


DOCUMENT = (ROOT / "docs" / "examples" / "a-forgotten-exit.json").read_bytes()


def folded(content: bytes) -> None:
    document = parsed(content)
    if _is_long(document):
        return
    json.dumps(fold_document(document, LAW), ensure_ascii=False).encode()


def _is_long(document: Any) -> bool:
    """Whether the dates are so many that folding them would be the work of minutes: how much work is asked for, is for whoever asks."""
    dates = [document.get(name) for name in ("since", "until")] if isinstance(document, dict) else []
    return all(isinstance(each, str) for each in dates) and len({str(each)[:7] for each in dates}) > 1


_ENVIRONMENT = st.tuples(
    st.sampled_from(VARIABLES),
    texts(*SET.values(), "10.0.0.0/8, fd00::/8", "Asia/Almaty", "otlp:http://a:1", "1", "true", "0.5").filter(
        lambda text: "\0" not in text
    ),
)
_METADATA = {"authorization": "Bearer a.b.c", "accept-language": "ru-KZ, en;q=0.5", "x-request-id": "request-00001"} | {
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "tracestate": "a=b",
}
_TOPICS = (ROOT / "infra" / "kafka" / "topics.yaml").read_bytes()
TARGETS = (
    Target("names", "kernel.names kernel.identifiers registry.names regimes.names timetracking.names", texts(*WORDS), a_name),
    Target("id", "kernel.identifiers", texts("01934e5c-7a00-7000-8000-000000000001"), an_id, (Malformed,)),
    Target("iin", "registry.servants.iin", texts("900101300014", "051231600013"), an_iin, (Malformed,)),
    Target("token", "chassis.auth", texts(TOKENS.sign(CLAIMS)).map(lambda token: token.encode("ascii", "replace").decode()), a_token, (Unauthenticated,)),
    Target("claims", "chassis.auth", json_values(CLAIMS), a_signed_token, (Unauthenticated, UnicodeEncodeError)),
    Target("issuer", "chassis.issuer_keys", json_values(JWKS), an_issuer),
    Target("grants", "chassis.access", st.lists(texts("/state-bodies/KGD/hr-officer", "/nation/inspector"), max_size=3), grants),
    Target("page-token", "chassis.pages", texts(PAGES.issue(CALLER, "filter", None, "s-1")), a_page_token, (Malformed,)),
    Target(
        "metadata",
        "chassis.interceptors.incoming chassis.errors chassis.telemetry kernel.text",
        st.fixed_dictionaries({}, optional={name: texts(example) for name, example in _METADATA.items()}),
        metadata,
    ),
    Target("resource", "chassis.interceptors.incoming", texts(*WORDS), a_resource),
    Target("certificates", "chassis.interceptors.certificates", st.tuples(*[st.lists(octets(b"integration-a"), max_size=2)] * 2), certificates),
    Target("checkpoint", "chassis.audit_log.chain", texts(f"registry:1200:{'a' * 64}"), a_checkpoint, (Malformed,)),
    Target("url", "chassis.urls", texts("postgresql://app:secret@localhost:5432/registry"), a_url, (ValueError,)),
    Target("environment", "chassis.settings timetracking.settings timetracking.gateway.settings registry.protected.keys chassis.server", _ENVIRONMENT, the_environment),
    Target("purpose", "chassis.purposes", texts("evaluation"), a_purpose, (Malformed,)),
    Target("sealed", "registry.protected.export registry.protected.sealing", octets(SEALED.content), a_sealed_row),
    Target("clock", "chassis.clock", octets(b"2026-11-24T08:00:00+05:00\n", b"0001-01-01T00:00:00+14:00"), a_stepped_clock, (WrongClock,)),
    Target("topics", "chassis.topics", octets(_TOPICS), a_file_of_topics, (topics.WrongTopics,), most=10),
    Target("command-line", "chassis.commands", texts("2026-11-24T08:00:00+05:00", "2026-11-24", "7"), the_command_line),
    Target("fold", "timetracking.workdays.fold_document timetracking.workdays.fold", octets(DOCUMENT), folded, (Refused,)),
    Target(
        "fold-values",
        "timetracking.workdays.fold_document", json_values(json.loads(DOCUMENT)).map(lambda value: json.dumps(value).encode()), folded, (Refused,)
    ),
)  # fmt: skip
