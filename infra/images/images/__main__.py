"""Builds and tries the images of the services: `make images`, or `python -m images registry --base python:3.11-slim-bookworm`."""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Sequence

from localstack.parts import SERVICES

from images.base import NoBase, base
from images.build import Built, build, origin, save
from images.engine import Engine, Failed, NoEngine, engine
from images.plan import image
from images.trial import Unfit, ground, tried
from images.wheelhouse import NoWheels, lay

MEGABYTE = 1_000_000


def main(given: Sequence[str] | None = None) -> int:
    """Does what the command line says: 0 when all images are as they must be, or where REQUIRE_ENGINE is not set and there is no engine."""
    arguments = _told(given)
    try:
        with engine(_say) as running:
            asyncio.run(_all(running, arguments))
    except NoEngine as lacking:
        return _not_built(str(lacking))
    except NoBase as lacking:
        return _not_built(str(lacking), required=bool(arguments.base))
    except (Failed, NoWheels, Unfit) as failed:
        print(failed, file=sys.stderr)
        return 1
    return 0


def _told(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m images", description=__doc__)
    parser.add_argument("services", nargs="*", metavar="SERVICE", help=f"those alone (default: {' '.join(SERVICES)})")
    parser.add_argument("--base", default="", help="the base (default: an official one, or one made of Debian's packages)")
    parser.add_argument("--registry", default="", help="where the images will be kept, the beginning of their names")
    parser.add_argument("--save", action="store_true", help="write each image into build/images, for docker load")
    parser.add_argument("--again", action="store_true", help="build each a second time, from nothing, and compare the layers")
    arguments = parser.parse_args(given)
    if unknown := sorted(set(arguments.services) - set(SERVICES)):
        parser.error(f"there is no service {', '.join(unknown)}; there are {', '.join(SERVICES)}")
    return arguments


def _not_built(why: str, *, required: bool = False) -> int:
    required = required or os.environ.get("REQUIRE_ENGINE") == "1"
    print(f"no image was built: {why}", file=sys.stderr if required else sys.stdout)
    return 1 if required else 0


async def _all(running: Engine, arguments: argparse.Namespace) -> None:
    began, since = time.monotonic(), origin()
    made = [image(service) for service in arguments.services or SERVICES]
    lay(made, _say)
    on_base = base(running, arguments.base, _say)
    built = [build(running, each, on_base, since, arguments.registry) for each in made]
    for each in built:
        _say(f"{' '.join(each.names)}: {each.size / MEGABYTE:.0f} MB, {len(each.layers)} layers, built in {each.took_s:.1f} s")
    if arguments.again:
        _compare(built, [build(running, each, on_base, since, arguments.registry, anew=True) for each in made])
    async with ground() as on:
        for each, seen in zip(built, await asyncio.gather(*(tried(running, each, on) for each in built)), strict=True):
            _say("\n  ".join([f"{each.names[0]}:", *seen]))
    if arguments.save:
        for each in built:
            _say(f"{save(running, each).name}: for docker load")
    _say(f"{len(built)} images built and tried in {time.monotonic() - began:.0f} s, on {on_base}")


def _compare(first: Sequence[Built], second: Sequence[Built]) -> None:
    for one, other in zip(first, second, strict=True):
        differ = [number for number, pair in enumerate(zip(one.layers, other.layers, strict=True)) if pair[0] != pair[1]]
        if differ:
            raise Unfit(f"{one.names[0]}: a second build has other layers: {', '.join(map(str, differ))}")
        _say(f"{one.names[0]}: built again from nothing, the same {len(one.layers)} layers")


def _say(text: str) -> None:
    print(f"{text}\n", end="", flush=True)  # in one piece: two may fetch at once


if __name__ == "__main__":
    sys.exit(main())
