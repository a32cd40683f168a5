"""What a gate does while nobody takes what it has: it tries, hears why not in its own protocol, and keeps everything."""

from collections.abc import Sequence

import grpc
from chassis.testing.client import refusal_of

from ..chaos.department import Crossing, Gate
from ..chaos.traffic import Traffic
from ..demo.devices import NotTaken

TAKEN = "taken"
NO_ANSWER = "no answer"
# What each vendor's devices take for "keep it"; anything else than these while Kafka is away would be a wrong word.
ADMS, ISAPI, GRPC = "503 'ERROR: not taken, send again'", "503 deviceBusy", "UNAVAILABLE, again after 1 s"


async def tried(traffic: Traffic, gate: Gate, crossings: Sequence[Crossing] = ()) -> str:
    """Lets the gate remember some crossings and send what waits, once; what it was answered."""
    if gate in traffic.systems:
        system = traffic.systems[gate]
        system.waiting.extend(each.passage() for each in crossings)
        try:
            await system.stream()
        except grpc.RpcError as error:
            refusal = refusal_of(error)
            if refusal.retry_after_s is None:
                return NO_ANSWER
            return f"{refusal.code}, again after {refusal.retry_after_s:g} s"
        finally:
            system.in_flight = 0
        return TAKEN
    device = traffic.vendors[gate]
    patient, device.tries = device.tries, 1
    try:
        await device.send([each.record() for each in crossings])
    except NotTaken as not_taken:
        said = str(not_taken).partition("NotTaken: answered ")[2]
        if "deviceBusy" in said:
            return ISAPI
        return said or NO_ANSWER
    finally:
        device.tries = patient
    return TAKEN


def kept(traffic: Traffic) -> int:
    """How many records all gates keep, since nobody has taken them."""
    return sum(len(each.waiting) for each in traffic.vendors.values()) + sum(len(each.waiting) for each in traffic.systems.values())
