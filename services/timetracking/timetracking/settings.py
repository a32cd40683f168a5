"""What the processes of timetracking are told by their environment; the gateway's own stand in `gateway/settings.py`."""

from chassis.settings import Settings, Zone


class TimetrackingSettings(Settings):
    """The settings of every service, and timetracking's own."""

    default_zone: Zone = "Asia/Almaty"
    """What is counted with while the zone of a body is not known; where it turns out to be another, the days are computed anew."""

    reconcile_days: int = 1_000
    """Days that are computed a second time every night: some seconds of work; what is wrong in one of a hundred is found at once."""
