"""What the processes of timetracking are told by their environment; the gateway's own stand in `gateway/settings.py`."""

from chassis.settings import Settings


class TimetrackingSettings(Settings):
    """The settings of every service, and timetracking's own."""

    default_zone: str = "Asia/Almaty"
    """What is counted with while the zone of a body is not known; where it turns out to be another, the days are computed anew."""
