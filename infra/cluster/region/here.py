"""A region's processes on this machine: the commands and variables of its manifests, on the embedded stack."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from localstack.endpoints import run_folder
from localstack.folder import AlreadyRunning
from localstack.log import Log, Screen
from localstack.parts import SERVICES, Part
from localstack.platform import INTERRUPTED, NotReady, interruptible, running
from localstack.processes import Died
from localstack.run import said
from rich.console import Console

from region.helm import Manifest, rendered

# Of the cluster's surroundings: this machine has no such certificates, no passwords at Kafka and no collector.
_SURROUNDINGS = ("TARTIP_KAFKA_", "TARTIP_ISSUER_CA", "TARTIP_TLS_", "TARTIP_TRACES", "OTEL_TRACES_")
_ROLES = {"database-app": "app", "database-worker": "worker"}


class NotOurs(Exception):
    """A manifest names a process that this machine cannot start as it says; tells which, and what would be right."""


@dataclass(frozen=True, slots=True)
class Region:
    """The code of a region and its processes by service, as its manifests say, and what of their variables this machine replaces."""

    code: str
    services: Mapping[str, tuple[Part, ...]]
    replaced: tuple[str, ...]


def region_of(deployments: Sequence[Manifest]) -> Region:
    """Reads Deployments: of each one process, however many replicas it has. Raises NotOurs."""
    services: dict[str, tuple[Part, ...]] = {}
    replaced: set[str] = set()
    for manifest in deployments:
        service, part, here = _part(manifest)
        services[service] = (*services.get(service, ()), part)
        replaced |= here
    return Region(deployments[0]["metadata"]["labels"]["tartip.kz/region"], services, tuple(sorted(replaced)))


def _part(manifest: Manifest) -> tuple[str, Part, set[str]]:
    name = manifest["metadata"]["name"]
    [container] = manifest["spec"]["template"]["spec"]["containers"]
    match container["command"], container["args"]:
        case ["python", "-m", str(service)], [str(command)]:
            known = {each.command: each for each in SERVICES.get(service, ())}
        case words, arguments:
            raise NotOurs(f"{name} runs {words} {arguments}; a process of ours is python -m SERVICE COMMAND")
    if command not in known:
        raise NotOurs(f"{name} runs {service} {command}; {service} has the processes {', '.join(sorted(known)) or 'none'}")
    plain = {each["name"]: each["value"] for each in container["env"] if "value" in each}
    secret = {each["name"]: each["valueFrom"]["secretKeyRef"]["key"] for each in container["env"] if "valueFrom" in each}
    role = _ROLES.get(secret.get("TARTIP_DATABASE_URL", ""))
    if role != known[command].role:
        raise NotOurs(
            f"{name} enters the database by {secret.get('TARTIP_DATABASE_URL')}; {service} {command} is to do so as {known[command].role}"
        )
    here = {each for each in plain if each.startswith(_SURROUNDINGS)}
    told = {each: value for each, value in plain.items() if each not in here}
    return service, Part(command, known[command].role, known[command].listens, told), here | set(secret)


def run(values: Sequence[Path]) -> int:
    """Runs until it is interrupted, which is its end (0); 1 where a process ends by itself, 2 where the platform runs already."""
    code = interruptible(_run(values))
    return 0 if code == INTERRUPTED else code


async def _run(values: Sequence[Path]) -> int:
    console = Console(highlight=False)
    region = region_of(rendered(*values).of_kind("Deployment"))
    for line in _told(region, values):
        console.print(line, markup=False, soft_wrap=True)
    try:
        async with running(Log(run_folder() / "logs", Screen(console)), services=region.services, region=region.code) as platform:
            count = sum(map(len, region.services.values()))
            console.print(f"All {count} processes of the region are ready. Ctrl-C ends them; meanwhile `make ask` asks them.", markup=False)
            await platform.alive(asyncio.Event().wait())
    except AlreadyRunning as problem:
        console.print(str(problem), markup=False)
        return 2
    except (Died, NotReady) as problem:
        console.print(said(problem), markup=False)
        return 1
    return 0


def _told(region: Region, values: Sequence[Path]) -> Iterator[str]:
    yield f"Region {region.code} of {', '.join(map(str, values))}, each Deployment as one process:"
    for service, parts in region.services.items():
        yield f"  {service}: {', '.join(part.command for part in parts)}"
    yield f"Of this machine, not of the region: the addresses of Kafka, Keycloak and our own ports; {', '.join(region.replaced)}"
