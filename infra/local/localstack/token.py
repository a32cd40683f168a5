"""An access token of a person or a system of the realm: `make token AS=hr-officer`."""

import argparse
import asyncio
import difflib
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import tartip_client
from tartip_client import TokenSource

from localstack.endpoints import Endpoints, NotRunning, realm_file, run_folder
from localstack.realm import Realm, Secrets

PEOPLE_CLIENT = "command-line"
# Who asks for nobody is shown a few names: a demo has three hundred.
NAMED_AT_MOST = 12


class SignInRefused(Exception):
    """There is no such name, or the issuer does not take its secret; says so for people."""


@dataclass(frozen=True, slots=True)
class Known:
    """What proves a person or a system of the realm; it is shown nowhere."""

    entries: Mapping[str, str] = field(repr=False)

    def form(self, issuer: str) -> Mapping[str, str]:
        """Returns what is posted to whichever issuer."""
        return self.entries


def sign_in(who: str, issuer: str | None = None, secrets: Path | None = None) -> TokenSource:
    """Returns the tokens of a person ("hr-officer") or a system ("device-gateway") of the realm; SignInRefused where it knows none such.

    The issuer is that of the running platform and the secrets are those that it generated, unless named.
    """
    realm = Realm.read(realm_file(), Secrets.read(secrets or run_folder() / "secrets.json"))
    # Clear: the local issuer is on this machine.
    return TokenSource(issuer or Endpoints.read().issuer, Known(_form(realm, who)), clear=True)


async def token_for(who: str, issuer: str | None = None, secrets: Path | None = None) -> str:
    """Signs in and returns the access token; SignInRefused, or NotRunning where nobody answers."""
    source = sign_in(who, issuer, secrets)
    try:
        return await asyncio.to_thread(source.token)
    except tartip_client.SignInRefused as refused:
        raise SignInRefused(f"As {who}: {refused}.") from None
    except tartip_client.SignInFailed as away:
        raise NotRunning(f"{away}: start the platform with `make run`.") from None


def people_and_systems(realm: Realm) -> list[str]:
    """Returns the names that one can sign in as."""
    people = [name for name, user in realm.users.items() if user.password]
    return sorted(people + [name for name, client in realm.clients.items() if "client_credentials" in client.flows])


def _form(realm: Realm, who: str) -> dict[str, str]:
    user, client = realm.users.get(who), realm.clients.get(who)
    if user is not None and user.password:
        return {"grant_type": "password", "client_id": PEOPLE_CLIENT, "username": who, "password": user.password}
    if client is not None and client.secret:
        return {"grant_type": "client_credentials", "client_id": who, "client_secret": client.secret}
    known = people_and_systems(realm)
    named = difflib.get_close_matches(who, known) or known[:NAMED_AT_MOST]
    more = f", and {len(known) - len(named)} more" if len(known) > len(named) else ""
    raise SignInRefused(f"The realm knows no {who}. It knows {', '.join(named)}{more}.")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Says what the command takes."""
    parser.add_argument("--as", dest="who", default=os.environ.get("AS") or "hr-officer", help="a person or a system of the realm")


def run(args: argparse.Namespace) -> int:
    """Prints the token alone, so that a shell can use it."""
    try:
        print(asyncio.run(token_for(args.who)))
    except (NotRunning, SignInRefused) as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0
