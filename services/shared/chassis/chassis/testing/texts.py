"""Whether a service's texts say what its protos promise."""

import re
from collections.abc import Iterator
from importlib import import_module

from google.protobuf.descriptor import EnumDescriptor
from kernel.text import LANGUAGES

from chassis.messages import REASON_PREFIX, Messages
from chassis.testing.contracts import ROOT

_METADATA = re.compile(r"Metadata: ([a-zA-Z, ]+)")
# How a fact is shown that the text names and the refusal does not bring.
_GAP = "—"


def gaps(service: str) -> list[str]:
    """What is missing of the texts of a service's reasons, a sentence each: a text in one of the languages, or a fact that it names."""
    reasons: EnumDescriptor = import_module(f"tartip.{service}.v1.error_reason_pb2").ErrorReason.DESCRIPTOR
    proto = (ROOT / "protos" / "tartip" / service / "v1" / "error_reason.proto").read_text(encoding="utf-8")
    names = [value.name.removeprefix(REASON_PREFIX) for value in reasons.values if value.number]
    return [gap for name in names for gap in _gaps(name, proto, Messages.load(service))]


def _gaps(reason: str, proto: str, messages: Messages) -> Iterator[str]:
    said = re.search(rf"// ([^\n]*)\n  {REASON_PREFIX}{reason} =", proto)
    declared = _METADATA.search(said[1]) if said else None
    if declared is None:
        yield f"{reason} does not say which facts it brings"
        return
    facts = {} if declared[1] == "none" else {fact.strip(): f"<{fact.strip()}>" for fact in declared[1].split(",")}
    for language in LANGUAGES:
        text = messages.render(reason, facts, language)
        if not text:
            yield f"{reason} has no text in {language}"
        # A dash between two facts is the text's own.
        elif re.search(rf"(?<!> ){_GAP}(?! <)", text):
            yield f"{reason} names a fact that it does not bring, in {language}: {text}"
