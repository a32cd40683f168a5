"""What a process is told by its environment: one typed object, read once at the start.

Every variable begins with `TARTIP_`. A value that is missing or wrong is an error that names the variable and never
shows the value, since a value may be a secret.
"""

import re
from collections.abc import Callable, Iterable
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from chassis.brokers import Brokers, Mechanism
from chassis.clock import WrongClock, clock_from
from chassis.trust import client_context
from chassis.urls import asyncpg_url

PREFIX = "TARTIP_"
_BROKERS = re.compile(r"[^\s,/]+:\d+(,[^\s,/]+:\d+)*")


def _known_zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("a zone is an IANA name such as Asia/Almaty") from None


Zone = Annotated[str, AfterValidator(_known_zone)]
"""The name of a time zone that the time zone data know."""


def _can_be_trusted(file: str) -> str:
    if file:
        client_context(file)
    return file


Authorities = Annotated[str, AfterValidator(_can_be_trusted)]
"""A PEM file of the authorities whose certificates are taken; "" for those of the machine."""


AtOnce = Annotated[float, Field(ge=1)]
"""How much is taken at once: less than one would be nothing for ever."""


class SettingsError(Exception):
    """The environment does not say what the process needs; the message names the variables."""


class Settings(BaseSettings):
    """What the processes of every service are told; a service adds its own fields in a subclass.

    Shapes: URLs are `postgresql://user:password@host:port/database`; `kafka` is `host:port[,host:port]`; `listen` and
    `admin_listen` are `host:port`; what ends in `_ca`, `_certificate` and `_key` are PEM files; `clock` is "" (the real one) or `file:/path` (a stepped one); `traces` is "",
    `otlp:http://…` or `file:/path.jsonl`.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    database_url: str
    migrator_database_url: str
    kafka: str
    kafka_ca: str = ""
    kafka_certificate: str = ""
    kafka_key: str = ""
    kafka_user: str = ""
    kafka_password: SecretStr = SecretStr("")
    kafka_mechanism: Mechanism = "SCRAM-SHA-512"
    issuer: str
    issuer_ca: Authorities = ""
    audience: str = "tartip"
    listen: str
    admin_listen: str
    clock: str = ""
    page_key: SecretStr
    traces: str = ""
    allow_demo_issuer: bool = False
    # A consumer that was killed is waited for so long before others take over what was its own: longer than a pause of the
    # network or of the process, since to leave the group and to join it again costs everyone a rebalance.
    session_timeout_s: float = 20.0
    # What is old is deleted so often that it never piles up to more than a small batch: answers are kept for 24 hours.
    purge_every_s: float = 600.0
    # What the audit's newest seal was is told outside so often: who cuts off what came since leaves no trace.
    audit_checkpoint_every_s: float = 60.0

    @field_validator("database_url", "migrator_database_url")
    @classmethod
    def _is_a_database(cls, value: str) -> str:
        if value:
            asyncpg_url(value)
        return value

    @field_validator("kafka")
    @classmethod
    def _are_brokers(cls, value: str) -> str:
        if value and not _BROKERS.fullmatch(value):
            raise ValueError("brokers are host:port[,host:port]")
        return value

    @field_validator("clock")
    @classmethod
    def _is_a_clock(cls, value: str) -> str:
        try:
            clock_from(value)()
        except WrongClock as wrong:
            raise ValueError(wrong.right) from None
        return value

    @property
    def brokers(self) -> Brokers:
        """Where Kafka is, and how we come in there. Raises SettingsError where what was told makes no way."""
        password = self.kafka_password.get_secret_value()
        way = self.kafka_ca, self.kafka_certificate, self.kafka_key, self.kafka_user, password, self.kafka_mechanism
        try:
            return Brokers(self.kafka, *way)
        except ValueError as wrong:
            raise SettingsError(str(wrong)) from None

    def __getattr__(self, name: str) -> Any:
        if name in type(self).model_fields:
            raise SettingsError(f"{variable(name)} is not set")
        raise AttributeError(name)


S = TypeVar("S", bound=BaseSettings)


def variable(field: str) -> str:
    """The name of the environment variable of a field."""
    return PREFIX + field.upper()


def read(settings: type[S], need: Iterable[str] | None = None) -> S:
    """Reads the environment for one command.

    `need` names the fields this command cannot do without (default: all that have no default), so that a migration job
    need not be given the address of Kafka. A field that was not needed and is not set raises `SettingsError` when it is
    used after all.
    """
    needed = set(settings.model_fields) if need is None else set(need)
    unknown = needed - set(settings.model_fields)
    if unknown:
        raise SettingsError(f"{settings.__name__} has no field {', '.join(sorted(unknown))}")
    try:
        told = settings()
        absent = {field for field in needed if getattr(told, field) == "" and settings.model_fields[field].is_required()}
        if absent:
            raise SettingsError("; ".join(sorted(f"{variable(field)}: is not set" for field in absent)))
        return told
    except ValidationError as error:
        problems = {str(part["loc"][0]): part for part in error.errors(include_input=False, include_url=False)}
    absent = {field for field, part in problems.items() if part["type"] == "missing" and field not in needed}
    wrong = [f"{variable(field)}: {_said(part['type'], part['msg'])}" for field, part in problems.items() if field not in absent]
    if wrong:
        raise SettingsError("; ".join(sorted(wrong))) from None
    filled = _filled(settings, absent)
    for field in absent:
        del filled.__dict__[field]
    return filled


def _filled(settings: type[S], absent: set[str]) -> S:
    build: Callable[..., S] = settings
    return build(**dict.fromkeys(absent, ""))


def _said(kind: str, message: str) -> str:
    return "is not set" if kind == "missing" else message.removeprefix("Value error, ")
