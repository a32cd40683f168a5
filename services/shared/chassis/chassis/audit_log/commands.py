"""The command over the audit that every service has: `python -m registry audit verify`."""

import argparse
from collections.abc import Sequence
from typing import TypeVar

from kernel.faults import Malformed

from chassis.audit_log.chain import Checkpoint, Seal
from chassis.audit_log.restorations import Restored
from chassis.audit_log.texts import limits, statement
from chassis.audit_log.verification import Verdict, VerifyAuditLog
from chassis.commands import Errand, NotAsItMustBe
from chassis.database import Database
from chassis.settings import Settings
from chassis.supervision import closing

S = TypeVar("S", bound=Settings)


def auditing(service: str, settings: type[S]) -> Errand[S]:
    """The command that verifies the audit against checkpoints: those of the command line, else those of the topic."""

    def arguments(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("what", choices=("verify",))
        parser.add_argument(
            "--checkpoint", action="append", default=[], help=f"a checkpoint that was kept, as {service}:1200:…; else the topic is read"
        )
        says = "a restoration that you know of, by its era: what was told before it and did not come back is lost with it"
        parser.add_argument("--restored", action="append", type=int, default=[], metavar="ERA", help=says)

    async def verify(told: S, given: argparse.Namespace) -> str:
        checkpoints = [_own(service, text) for text in given.checkpoint] or await _published(service, told)
        database = Database(told.database_url, name=f"{service} audit verify", role="worker")
        async with closing(database):
            found = await VerifyAuditLog(database)(checkpoints, eras=given.restored)
        said = [
            *(_of_restoration(*each) for each in found.restored),
            statement(found).en,
            f"Reached: {Checkpoint(service, found.reached)}. Checkpoints compared with: {len(checkpoints)}. Not sealed yet: {found.unsealed}.",
            limits(found).en,
        ]
        unknown = set(given.restored) - {each.era for each, lost in found.restored if lost is not None}
        said += [f"Of era {era} the chain tells nothing, or not once, as far as was looked." for era in sorted(unknown)]
        if found.verdict is not Verdict.INTACT or unknown:
            raise NotAsItMustBe("\n".join(said))
        return "\n".join(said)

    return Errand("audit", "verify that the audit is as it was sealed", settings, ("database_url",), verify, arguments)


def _of_restoration(restored: Restored, lost: int | None) -> str:
    """What the chain tells of a restoration, and what was lost with it."""
    what = f"restoration of {restored.at:%Y-%m-%d %H:%M} UTC, era {restored.era}, at place {restored.place} of the chain"
    if lost is None:
        return f"THE CHAIN TELLS OF A RESTORATION THAT YOU DID NOT NAME: {what}. If you know of it, say --restored {restored.era}."
    return f"Lost with the {what}: {f'{lost} records at least, behind place {restored.kept}' if lost else 'nothing of which was told'}."


def _own(service: str, text: str) -> Seal:
    checkpoint = Checkpoint.read(text, "--checkpoint")
    if checkpoint.service != service:
        raise Malformed({"--checkpoint": f"a checkpoint of {service}"})
    return checkpoint.seal


async def _published(service: str, told: Settings) -> Sequence[Seal]:
    from chassis.audit_log.checkpoints import published  # its client would cost every process a part of a second of its start

    return await published(service, told.brokers)
