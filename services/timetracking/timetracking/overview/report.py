"""What operators see of what stands, as numbers."""

from chassis.metrics import gauge

from timetracking.overview.use_cases import Overview

PARKED = gauge(
    "tartip_parked_records", "records", "Records that wait in the parking lot for a person, by topic and reason", ("topic", "reason")
)
IN_FLIGHT = gauge(
    "tartip_accounts_in_flight",
    "records",
    "Records of all devices that became of nothing yet; what stays here was lost, and not written off",
)
SILENT = gauge("tartip_devices_silent", "devices", "Devices of which a silence was found that no passage has ended")


def show(overview: Overview) -> None:
    """Shows the counts; what nobody waits for any more is shown no longer."""
    PARKED.clear()
    for (topic, reason), count in overview.parked.items():
        PARKED.labels(topic, reason).set(count)
    IN_FLIGHT.set(overview.in_flight)
    SILENT.set(overview.silent)
