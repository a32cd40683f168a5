"""The tables that every service has, as data classes; a service declares its own beside them."""

from chassis.personal_data.declarations import DataClass, OfTopic, Passing, Sensitivity, Standing, declared

BODIES, SERVANTS = "registry.bodies.v1", "registry.servants.v1"

OWN_TABLES = declared(
    DataClass(
        "outbox",
        "Messages on their way to Kafka",
        Passing("Kafka has them: within a second, by the relay"),
        Sensitivity.PERSONAL,
        nobody="a message leaves in the order of transactions, whomever it is about; the state that it tells of is declared by its owner",
    ),
    DataClass(
        "request_results",
        "Answers to requests, so that a repetition is answered alike",
        Passing("24 hours later, by the purge of `answers`"),
        Sensitivity.PERSONAL,
        nobody="kept by who asked, not by whom the answer is about",
    ),
    DataClass(
        "audit_records",
        "Who did what, when and on which ground; of states digests alone, under a key",
        Standing("a chain from which something is missing proves nothing any more; who read one's file is shown by ListOwnReads"),
        Sensitivity.PERSONAL,
        nobody="a record is kept as evidence of what was done, also after the person was erased",
    ),
    DataClass("audit_seals", "The chain over the audit", Standing("as the records that it seals"), nobody="hashes"),
    DataClass("audit_key", "The key of the digests", Standing("without it no digest could be compared"), nobody="a key"),
    DataClass(
        "projection_positions",
        "How far topics were followed",
        Standing("one row a partition"),
        nobody="places in topics, nothing of people",
    ),
    DataClass(
        "read_positions", "How far readers of topics are", Standing("one row a partition"), nobody="places in topics, nothing of people"
    ),
    DataClass("eras", "When the database was restored", Standing("one row a restoration"), nobody="instants of the platform"),
    DataClass(
        "retention_levels",
        "Before which date nothing is kept any more, by term",
        Standing("one row a term"),
        nobody="dates of the platform",
    ),
    DataClass(
        "erased_servants",
        "Who was erased: keyed digests of IDs alone",
        Standing("an older state that comes late must not bring anybody back"),
        Sensitivity.PERSONAL,
        nobody="a digest under the database's key names nobody to whom the ID is not known already",
    ),
)


def projected_holds() -> DataClass:
    """The holds of the registry, in a service that follows it."""
    return DataClass(
        "legal_holds",
        "Spans in which nothing may be deleted, since a body is inspected",
        OfTopic((BODIES,)),
        nobody="bodies are inspected, not people",
    )


def projected_heads() -> DataClass:
    """Who heads units, in a service that follows the registry."""
    return DataClass(
        "unit_heads",
        "Who heads a unit: its own head, or that of a unit above",
        OfTopic((BODIES,)),
        Sensitivity.PERSONAL,
        person="servant = $1",
        key=("body", "unit", "since", "own"),
    )
