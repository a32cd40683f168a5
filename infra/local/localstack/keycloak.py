"""A real Keycloak with the realm in infra/keycloak/tartip-realm.json; secrets that the realm leaves open are made at its first start."""

import argparse
from pathlib import Path

from chassis.testing.artifacts import NotToBeHad
from chassis.testing.daemons import NotStarted
from chassis.testing.keycloak import ADMIN, left_open, start_keycloak

from localstack.endpoints import REALM, run_folder
from localstack.realm import Secrets
from localstack.serving import asked_to_stop, served


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Says what the command takes."""
    parser.add_argument("--data", type=Path, help="the folder of the data (default: run/keycloak)")
    parser.add_argument("--port", type=int, default=0, help="the port on 127.0.0.1 (default: a free one)")
    parser.add_argument("--realm", type=Path, default=REALM, help="the realm in Keycloak's export format")
    parser.add_argument("--secrets", type=Path, default=run_folder() / "secrets.json", help="where generated secrets are written")


def run(args: argparse.Namespace) -> int:
    """Serves until it is asked to stop; prints one line when it is ready, the realm being read."""
    stop = asked_to_stop()
    known = Secrets.read(args.secrets)
    own = {name: known.get(name, None) for name in left_open(args.realm)}
    known.write(args.secrets)
    try:
        keycloak = start_keycloak((args.data or run_folder() / "keycloak").resolve(), args.realm.resolve(), own, args.port)
    except (NotToBeHad, NotStarted) as failed:
        print(failed, flush=True)
        return 1
    try:
        where = f"{keycloak.origin}/admin/ as {ADMIN}, whose password stands in {keycloak.admin_password_file}"
        print(f"keycloak ready: {keycloak.issuer} (administered at {where})", flush=True)
        return served(keycloak, stop)
    finally:
        keycloak.stop()
