"""Grants by role, for tests of who may what: those that reach the body KGD of region 75, and those that do not."""

INSIDE = {
    "hr-officer": "/state-bodies/KGD/hr-officer",
    "inspector": "/regions/75/inspector",
    "national inspector": "/nation/inspector",
    "integrator": "/state-bodies/KGD/integrator",
    "auditor": "/state-bodies/KGD/auditor",
    "operator": "/regions/75/operator",
}
# Of another body, or another region.
OUTSIDE = {
    "hr-officer": "/state-bodies/MF/hr-officer",
    "inspector": "/regions/10/inspector",
    "integrator": "/regions/10/integrator",
    "auditor": "/regions/10/auditor",
    "operator": "/regions/10/operator",
}
