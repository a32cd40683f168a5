"""The platform's processes on one machine: `python -m localstack issuer --listen 127.0.0.1:8180`.

Each command is a module of this package with `add_arguments(parser)` and `run(args)`, which may return an exit code.
"""

import argparse
import importlib
import sys
from collections.abc import Sequence

COMMANDS = ("postgres", "broker", "kafka", "issuer", "keycloak", "topics", "databases", "token", "ask", "operate", "run")


def main(argv: Sequence[str]) -> int:
    """Runs one command with its own arguments; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m localstack", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="the command's own; -h lists them")
    chosen = parser.parse_args(argv)
    module = importlib.import_module(f"localstack.{chosen.command}")
    own = argparse.ArgumentParser(prog=f"python -m localstack {chosen.command}", description=module.__doc__)
    module.add_arguments(own)
    return int(module.run(own.parse_args(chosen.arguments)) or 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
