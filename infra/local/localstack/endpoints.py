"""Where the running platform is found: `run/endpoints.json`, written by the one who started it."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localstack.folder import PROCESSES

REPOSITORY = Path(__file__).resolve().parents[3]
REALM = REPOSITORY / "infra" / "keycloak" / "tartip-realm.json"


class NotRunning(Exception):
    """The platform does not run here, or not the part that is asked for; says what to do."""


def run_folder() -> Path:
    """Returns the folder of the running platform: TARTIP_RUN, else `run` in the repository."""
    return Path(os.environ.get("TARTIP_RUN") or REPOSITORY / "run")


def realm_file() -> Path:
    """Returns the realm of the running platform: its own, where people of a demo were added, else that of the repository."""
    own = run_folder() / "realm.json"
    return own if own.is_file() else REALM


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The addresses of the platform's parts, by name."""

    addresses: dict[str, Any]

    @classmethod
    def read(cls) -> "Endpoints":
        """Reads what the running platform wrote; NotRunning where there is nothing."""
        path = run_folder() / "endpoints.json"
        try:
            return cls(dict(json.loads(path.read_text(encoding="utf-8"))))
        except FileNotFoundError:
            if path.with_name(PROCESSES).exists():
                raise NotRunning(f"The platform in {path.parent} is still starting: ask again in a moment.") from None
            raise NotRunning(f"There is no {path}: start the platform with `make run`, or `make demo KEEP=1`, and ask again.") from None
        except ValueError as error:
            raise NotRunning(f"{path} cannot be read ({error}): start the platform again with `make run`.") from None

    @property
    def issuer(self) -> str:
        """The issuer's URL."""
        return self._of("issuer")

    @property
    def kafka(self) -> str:
        """Kafka's host:port."""
        return self._of("kafka")

    @property
    def postgres(self) -> str:
        """The file with the URLs of the databases, by service and role."""
        return self._of("postgres")

    def grpc(self, package: str, service: str) -> str:
        """Returns host:port that answers a gRPC service: devices' passages go to the gateway, the rest to its service."""
        if service == "tartip.timetracking.v1.PassageService":
            return self._of("gateway", "grpc")
        return self._of(package.split(".")[1])

    def _of(self, *path: str) -> str:
        value: Any = self.addresses
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        if not isinstance(value, str):
            if path in (("audit",), ("personal",)):
                raise NotRunning("Every service answers this for itself: say which, as in METHOD=registry/ListAuditRecords.")
            known = ", ".join(sorted(self.addresses))
            raise NotRunning(f"The running platform has no {'.'.join(path)}; it has {known}. Start it again with `make run`.")
        return value
