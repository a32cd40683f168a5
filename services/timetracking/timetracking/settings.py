"""What the processes of timetracking are told by their environment; the gateway's own stand in `gateway/settings.py`."""

from chassis.settings import Settings


class TimetrackingSettings(Settings):
    """The settings of every service, and timetracking's own."""

    # Answers are kept for 24 hours, changes for 30 days: deleted every ten minutes they never pile up to more than a small batch.
    purge_every_s: float = 600.0

    default_zone: str = "Asia/Almaty"
    """What is counted with while the zone of a body is not known; where it turns out to be another, the days are computed anew."""


SERVE = ("database_url", "issuer", "listen", "admin_listen", "page_key")
GATEWAY = ("database_url", "kafka", "issuer", "listen", "admin_listen", "gateway_listen")
CONSUME = ("database_url", "kafka", "admin_listen")
WORK = ("database_url", "kafka", "admin_listen")
MIGRATE = ("migrator_database_url",)
REPUBLISH = ("database_url",)
REBUILD = ("database_url", "migrator_database_url", "kafka")
