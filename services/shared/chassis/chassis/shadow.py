"""The schema in which a projection is built anew beside the one that answers: a copy of people's data that nothing erases from.

So it is there while that is at work, and no longer. Whoever builds holds the lock; a copy that nobody holds was left by a process
that was killed.
"""

SHADOW = "rebuild"
# One number for all services: a database has one of them, and advisory locks are a database's own.
REBUILDING = 0x7A72_7469_7004
DROP = f"DROP SCHEMA IF EXISTS {SHADOW} CASCADE"
