"""The realm of Keycloak as code: `apply` makes it as declared, `drift` shows what is not, `onboard` lets in, `sign-in` gives a token."""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from chassis import commands
from chassis.commands import Errand, NotAsItMustBe
from kernel.faults import Malformed
from keycloak import KeycloakAdmin

from realm import onboarding
from realm.apply import changes
from realm.declared import REALM, Declared
from realm.onboarding import Key, Onboarded
from realm.server import NEEDED, RealmSettings, SignInSettings, server, told_plainly
from realm.signing_in import signed_in


async def _apply(settings: RealmSettings, given: argparse.Namespace) -> str:
    declared, made = Declared.read(given.realm), 0
    with told_plainly(settings):
        for change in changes(server(settings, declared.name), declared, given.demo):
            if change.make is not None:
                change.make()
                made += 1
            _say(*map(str, change.differences), *(() if change.make else ("  left as it is: whether it may stay, a person decides",)))
    return f"{made} changes"


async def _drift(settings: RealmSettings, given: argparse.Namespace) -> str:
    declared = Declared.read(given.realm)
    with told_plainly(settings):
        found = [each for change in changes(server(settings, declared.name), declared, given.demo) for each in change.differences]
    if found:
        raise NotAsItMustBe("\n".join([*map(str, found), f"{len(found)} differences; `apply` puts them right"]))
    return "the realm is as declared"


async def _onboard(settings: RealmSettings, given: argparse.Namespace) -> str:
    declared = Declared.read(given.realm)
    with told_plainly(settings):
        done = _onboarded(server(settings, declared.name), declared, given)
    _say(*done.changed)
    if done.secret is not None:
        first, again = ("first password", "new password") if given.what == "servant" else ("secret", "new secret")
        _say(f"{again if given.new else first}, shown this once: {done.secret}")
    return f"{len(done.changed)} changes"


def _onboarded(admin: KeycloakAdmin, declared: Declared, given: argparse.Namespace) -> Onboarded:
    match given.what:
        case "body":
            return onboarding.scope(admin, "state-body", given.id)
        case "region":
            return onboarding.scope(admin, "region", given.id)
        case "integrator":
            if given.new == bool(given.grant):
                raise Malformed({"--grant": "name each that it is to have, or --new-secret alone, which leaves them as they are"})
            if given.new:
                return onboarding.new_secret(admin, declared, f"integration-{given.name}")
            return onboarding.integrator(admin, declared, given.name, given.grant, _key(given))
        case "device-gateway":
            if given.new:
                return onboarding.new_secret(admin, declared, f"device-gateway-{given.system}")
            return onboarding.device_gateway(admin, declared, given.system, _key(given))
        case _:
            if given.new:
                return onboarding.new_password(admin, given.username, given.servant)
            return onboarding.servant(admin, given.username, given.servant, given.grant)


async def _sign_in(settings: SignInSettings, given: argparse.Namespace) -> str:
    """The token alone goes to where it is read from; what is for the person's eyes goes beside."""
    issuer = f"{settings.keycloak.rstrip('/')}/realms/{Declared.read(given.realm).name}"

    def show(address: str) -> None:
        print(f"Open in a browser of this machine:\n{address}", file=sys.stderr, flush=True)

    return await signed_in(issuer, show, settings.keycloak_ca)


def _key(given: argparse.Namespace) -> Key | None:
    if given.jwks_url:
        return Key.at(given.jwks_url)
    return Key.certified(given.certificate.read_bytes(), datetime.now(UTC)) if given.certificate else None


def _say(*lines: str) -> None:
    for line in lines:
        print(line, flush=True)


def _of_the_realm(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--realm", type=Path, default=REALM, help="the realm in Keycloak's export format (default: the repository's)")


def _compared(parser: argparse.ArgumentParser) -> None:
    _of_the_realm(parser)
    parser.add_argument("--demo", action="store_true", help="the clients of the demo belong there too; without it they are switched off")


def _let_in(parser: argparse.ArgumentParser) -> None:
    _of_the_realm(parser)
    what = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    body = what.add_parser("body", help="a state body: the groups of its roles")
    body.add_argument("id", help="the registry's ID of the body, as KGD")
    region = what.add_parser("region", help="a region: the groups of its roles")
    region.add_argument("id", help="the registry's ID of the region, as 75")
    integrator = what.add_parser("integrator", help="a system of a ministry or portal: a client with its grants")
    integrator.add_argument("name", help="the client becomes integration-NAME")
    integrator.add_argument("--grant", action="append", default=[], help="as /state-bodies/KGD/integrator; may be given again")
    gateway = what.add_parser("device-gateway", help="an access-control system: a client that submits passages")
    gateway.add_argument("system", help="the ID of the system; the client becomes device-gateway-SYSTEM")
    for each in (integrator, gateway):
        key = each.add_mutually_exclusive_group()
        key.add_argument("--jwks-url", help="where the system publishes its keys, instead of a secret")
        key.add_argument("--certificate", type=Path, help="the certificate of its key in PEM, instead of a secret")
        key.add_argument("--new-secret", dest="new", action="store_true", help="a new secret instead of the one it has, and nothing else")
    person = what.add_parser("servant", help="a civil servant: an account bound to the registry's ID")
    person.add_argument("username")
    person.add_argument("--servant", required=True, help="the registry's ID of the servant, as s-0147")
    about = person.add_mutually_exclusive_group()
    about.add_argument("--grant", action="append", default=[], help="as /state-bodies/KGD/hr-officer; may be given again")
    about.add_argument("--new-password", dest="new", action="store_true", help="a new password for one sign-in, and nothing else")


COMMANDS = (
    Errand("apply", "make the realm of a running Keycloak as it is declared", RealmSettings, NEEDED, _apply, _compared),
    Errand("drift", "show what differs from what is declared, field by field; exit code 1 where something does", RealmSettings, NEEDED, _drift, _compared),
    Errand("sign-in", "sign in by a browser of this machine; prints the token", SignInSettings, ("keycloak",), _sign_in, _of_the_realm),
    Errand("onboard", "let in a state body, a region, a system or a person", RealmSettings, NEEDED, _onboard, _let_in),
)  # fmt: skip


def main(given: Sequence[str] | None = None) -> int:
    """Reads the command line and does what it says."""
    return commands.main("realm", __doc__, COMMANDS, given)


if __name__ == "__main__":
    sys.exit(main())
