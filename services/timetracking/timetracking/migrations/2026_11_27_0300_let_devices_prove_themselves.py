"""Let devices prove themselves, be revoked, and keep the count of what was refused in their names.

A device that is enrolled already, or by a version that asks for no proof, goes on with its serial alone until somebody gives it
a secret or binds it: `proof_asked` is false for it, and it is shown so.
"""

from alembic import op
from chassis.migrations import reach

revision = "timetracking_2026_11_27_0300"
down_revision = "timetracking_2026_11_27_0200"

DEVICES = """
ALTER TABLE devices ADD COLUMN proof_asked boolean NOT NULL DEFAULT false;
ALTER TABLE devices ADD COLUMN revoked_at timestamptz
"""
PROOFS = """
CREATE TABLE device_proofs (
    device text COLLATE "C" NOT NULL CONSTRAINT device_proofs_device_fkey REFERENCES devices,
    former boolean NOT NULL,
    kind text NOT NULL,
    salt bytea,
    digest bytea,
    networks cidr[],
    until timestamptz,
    CONSTRAINT device_proofs_pkey PRIMARY KEY (device, former),
    CONSTRAINT device_proofs_whole_check CHECK (
        (kind = 'secret') = (salt IS NOT NULL AND digest IS NOT NULL) AND (kind = 'networks') = (networks IS NOT NULL)
        AND former = (until IS NOT NULL) AND (kind IN ('secret', 'networks') OR (kind = 'serial' AND former))
    )
);
COMMENT ON TABLE device_proofs IS 'how devices prove themselves, and for a while how they did before; of secrets a salted HMAC-SHA-256'
"""
REFUSALS = """
CREATE TABLE device_refusals (
    device text COLLATE "C" NOT NULL,
    reason text COLLATE "C" NOT NULL,
    requests bigint NOT NULL,
    last_at timestamptz NOT NULL,
    CONSTRAINT device_refusals_pkey PRIMARY KEY (device, reason)
);
COMMENT ON TABLE device_refusals IS 'requests in the name of a device that were refused before anything was read'
"""


def upgrade() -> None:
    """Adds columns and tables, each within reach of those who reach the device."""
    for group in (DEVICES, PROOFS, REFUSALS):
        for statement in group.split(";\n"):
            op.execute(statement)
    for table in ("device_proofs", "device_refusals"):
        reach.keep_within(table, "reaches_device(device)")
