"""What the registry keeps of whom, and for how long; read by its jobs, the export and docs/data-classes.md."""

from chassis.personal_data.declarations import DataClass, Sensitivity, Standing, WithThePerson, declared
from chassis.personal_data.own_tables import OWN_TABLES

STAFFING = Standing("the structure of bodies is a record of the state, and names nobody")

DATA_CLASSES = declared(
    DataClass(
        "unit_heads",
        "Who heads a unit, with the spans",
        WithThePerson(),
        Sensitivity.PERSONAL,
        person="servant = $1",
        key=("body", "unit", "since"),
    ),
    DataClass(
        "appointments",
        "The appointments of a civil servant",
        WithThePerson(),
        Sensitivity.PERSONAL,
        person="servant = $1",
        key=("since", "id"),
    ),
    DataClass(
        "protected_facts",
        "Facts of health and family for which the law protects a servant, encrypted",
        WithThePerson(),
        Sensitivity.SENSITIVE,
        person="servant = $1",
        key=("id",),
        sealed=True,
    ),
    DataClass("servants", "The civil servant, with the IIN", WithThePerson(), Sensitivity.PERSONAL, person="id = $1", key=("id",)),
    DataClass("state_bodies", "State bodies; the ID of the first head, until that person is erased", STAFFING, nobody="bodies, not people"),
    DataClass("units", "Structural units", STAFFING, nobody="units, not people"),
    DataClass("positions", "The staffing table", STAFFING, nobody="posts, not people"),
    DataClass(
        "legal_holds",
        "Spans in which nothing may be deleted, since a body is inspected, with the act",
        Standing("they say why something old is still there"),
        nobody="bodies are inspected, not people",
    ),
    *OWN_TABLES,
)
