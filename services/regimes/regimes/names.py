"""Resource names of the regimes (AIP-122) and the IDs within them."""

from kernel.names import BODY_ID, CODE, SERVANT_ID, ids_in

RULES_ID = CODE + "{1,40}"
ASSIGNMENT_ID = CODE + "{1,64}"
PARAMETER_ID = "[a-z0-9-]+(?:/[a-z0-9-]+)*"


def rules_name(body: str, rules: str) -> str:
    """Returns the name of labour-order rules."""
    return f"stateBodies/{body}/labourOrderRules/{rules}"


def assignment_name(servant: str, assignment: str) -> str:
    """Returns the name of an assignment."""
    return f"servants/{servant}/assignments/{assignment}"


def provision_name(parameter: str) -> str:
    """Returns the name of a provision."""
    return f"provisions/{parameter}"


def rules_of(name: str, field: str) -> tuple[str, str]:
    """Returns the IDs of the body and the rules in the name of labour-order rules; Malformed for `field` if it is none."""
    pattern = f"stateBodies/({BODY_ID})/labourOrderRules/({RULES_ID})"
    body, rules = ids_in(name, field, pattern, "stateBodies/{state_body}/labourOrderRules/{labour_order_rules}")
    return body, rules


def assignment_of(name: str, field: str) -> tuple[str, str]:
    """Returns the IDs of the servant and the assignment in an assignment's name; Malformed for `field` if it is none."""
    pattern = f"servants/({SERVANT_ID})/assignments/({ASSIGNMENT_ID})"
    servant, assignment = ids_in(name, field, pattern, "servants/{servant}/assignments/{assignment}")
    return servant, assignment


def parameter_of(name: str, field: str) -> str:
    """Returns the ID of the parameter in a provision's name; Malformed for `field` if it is none."""
    (parameter,) = ids_in(name, field, f"provisions/({PARAMETER_ID})", "provisions/{parameter}")
    return parameter
