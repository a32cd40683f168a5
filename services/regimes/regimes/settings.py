"""What the processes of the regimes are told by their environment."""

from chassis.settings import Settings


class RegimesSettings(Settings):
    """The settings of every service, and `TARTIP_PURGE_EVERY_S`."""

    # Answers are kept for 24 hours: deleted every ten minutes they never pile up to more than a small batch.
    purge_every_s: float = 600.0


SERVE = ("database_url", "issuer", "listen", "admin_listen", "page_key")
CONSUME = ("database_url", "kafka", "admin_listen")
WORK = ("database_url", "kafka", "admin_listen")
MIGRATE = ("migrator_database_url",)
REPUBLISH = ("database_url",)
REBUILD = ("database_url", "migrator_database_url", "kafka")
