"""Calls Tartip as a ministry's system does: signed in, patient, and told why it is refused. For asyncio: `tartip_client.aio`."""

from tartip_client.blocking import channel, pages, send_passages, watch
from tartip_client.connection import Tls, metadata
from tartip_client.deployment import Deployment, SettingMissing
from tartip_client.passages import RefusedPassage
from tartip_client.policy import ONCE, PATIENT, Policy
from tartip_client.refusals import (
    Again,
    Basis,
    Conflict,
    Invalid,
    NotAllowed,
    NotFound,
    OutOfTime,
    Precondition,
    Refusal,
    Refused,
    Stale,
    TartipError,
    Text,
    TooMany,
    Unauthenticated,
    Unavailable,
    refusal_in,
    refusal_of,
)
from tartip_client.tokens import ClientKey, ClientSecret, SignInAway, SignInFailed, SignInRefused, SignInUntrusted, TokenSource

__all__ = [
    "ONCE",
    "PATIENT",
    "Again",
    "Basis",
    "ClientKey",
    "ClientSecret",
    "Conflict",
    "Deployment",
    "Invalid",
    "NotAllowed",
    "NotFound",
    "OutOfTime",
    "Policy",
    "Precondition",
    "Refusal",
    "Refused",
    "RefusedPassage",
    "SettingMissing",
    "SignInAway",
    "SignInFailed",
    "SignInRefused",
    "SignInUntrusted",
    "Stale",
    "TartipError",
    "Text",
    "Tls",
    "TokenSource",
    "TooMany",
    "Unauthenticated",
    "Unavailable",
    "channel",
    "metadata",
    "pages",
    "refusal_in",
    "refusal_of",
    "send_passages",
    "watch",
]
