"""The access option of each method, read from its descriptor; a method without one is an error."""

from collections.abc import Iterable

from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from tartip.access.v1 import access_pb2

from chassis.access import UNIT_HEAD, AccessRule, ScopeKind

# A grant counts where its scope is at least as wide as what the method touches. SCOPE_NATION marks what is the same for
# everyone (the law), so every grant counts; records are always filtered by the caller's reach besides.
_WITHIN_BODY: frozenset[ScopeKind] = frozenset({"state-body", "region", "nation"})
_KINDS: dict[int, frozenset[ScopeKind]] = {
    access_pb2.SCOPE_OWN: _WITHIN_BODY,
    access_pb2.SCOPE_UNIT: _WITHIN_BODY,
    access_pb2.SCOPE_STATE_BODY: _WITHIN_BODY,
    access_pb2.SCOPE_REGION: frozenset({"region", "nation"}),
    access_pb2.SCOPE_NATION: _WITHIN_BODY,
    access_pb2.SCOPE_SYSTEM: frozenset({"system"}),
}


# Who looks a relationship up stands in `chassis.access.Relationships`.
RELATIONSHIPS = frozenset({UNIT_HEAD})


class AccessNotDeclared(Exception):
    """A method that says nobody may call it, or says it to nobody: the server does not start with it."""


def access_rules(services: Iterable[ServiceDescriptor]) -> dict[str, AccessRule]:
    """Returns the rule of each method by its path ("/tartip.registry.v1.StateBodyService/GetStateBody")."""
    rules = (_rule(method) for service in services for method in service.methods)
    return {rule.method: rule for rule in rules}


def _rule(method: MethodDescriptor) -> AccessRule:
    path = f"/{method.containing_service.full_name}/{method.name}"
    options = method.GetOptions()
    if not options.HasExtension(access_pb2.access):
        raise AccessNotDeclared(f"{path} has no option tartip.access.v1.access")
    access = options.Extensions[access_pb2.access]
    if access.scope not in _KINDS:
        raise AccessNotDeclared(f"{path} has no scope in its option tartip.access.v1.access")
    if not access.grants and not access.relationships:
        raise AccessNotDeclared(f"{path} names no grant and no relationship in its option tartip.access.v1.access")
    unknown = set(access.relationships) - RELATIONSHIPS
    if unknown:
        raise AccessNotDeclared(f"{path} names the relationship {min(unknown)}, which nobody looks up")
    return AccessRule(path, frozenset(access.grants), frozenset(access.relationships), _KINDS[access.scope], access.purpose)
