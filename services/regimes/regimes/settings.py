"""What the processes of the regimes are told by their environment."""

from chassis import settings


class Settings(settings.Settings):
    """The environment of every process of the regimes; `chassis.settings.Settings` names the variables."""
