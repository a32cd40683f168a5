"""Plain values that every concept of the registry shares: what IDs look like, and the mark of a state."""

from kernel.names import CODE

POSITION_ID = CODE + "{1,40}"
REGION = CODE + "{1,10}"


def etag(revision: int) -> str:
    """Returns the mark of one state of a record: it changes with every change, and only then."""
    return f"r{revision}"
