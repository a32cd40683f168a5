"""What the regimes keep of whom, and for how long; read by its jobs, the export and docs/data-classes.md."""

from chassis.personal_data.declarations import WORKING_TIME, Aging, DataClass, OfTopic, Passing, Sensitivity, Standing, Told, declared
from chassis.personal_data.levels import FACTS_BEFORE
from chassis.personal_data.own_tables import BODIES, OWN_TABLES, SERVANTS, projected_heads, projected_holds

OWN = "servant = $1"
# A month's plan follows from all assignments of the month: both go by whole months, and later than the days that follow from them.
MONTH_OF_LEVEL = f"date_trunc('month', $1::date - {FACTS_BEFORE.days})"

DATA_CLASSES = declared(
    DataClass(
        "due_months",
        "Months whose plans are to be composed anew",
        Passing("moments later, when they were composed"),
        Sensitivity.PERSONAL,
        person=OWN,
        exported=False,
    ),
    DataClass(
        "month_plans",
        "The plan of a servant for a month, as it was published",
        Aging(WORKING_TIME, "the last date of the month", f"month < {MONTH_OF_LEVEL}", margin=FACTS_BEFORE.days),
        Sensitivity.PERSONAL,
        person=OWN,
        key=("month",),
        told=Told("regimes.plans.v1", "servant || '/' || to_char(month, 'YYYY-MM')", "plan"),
    ),
    DataClass(
        "assignments",
        "Acts that introduce a regime for a servant",
        Aging(WORKING_TIME, "the last date of the month in which the regime ended", f"until < {MONTH_OF_LEVEL}", margin=FACTS_BEFORE.days),
        Sensitivity.PERSONAL,
        person=OWN,
        key=("place",),
    ),
    projected_heads(),
    DataClass(
        "appointments",
        "Where a servant is appointed",
        OfTopic((SERVANTS,)),
        Sensitivity.PERSONAL,
        person=OWN,
        key=("since", "id"),
    ),
    DataClass("servants", "Which civil servants there are", OfTopic((SERVANTS,)), Sensitivity.PERSONAL, person="id = $1", key=("id",)),
    DataClass("bodies", "State bodies with their units and zones", OfTopic((BODIES,)), nobody="bodies, not people"),
    DataClass(
        "labour_order_rules",
        "Labour-order rules of bodies",
        Standing("acts of bodies; past plans are judged by them"),
        nobody="rules of a body or a unit",
    ),
    DataClass("rolling", "Up to which month plans were asked for", Standing("one row"), nobody="a date of the platform"),
    projected_holds(),
    *OWN_TABLES,
)
