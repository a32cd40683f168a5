"""What the processes of the registry are told by their environment."""

from chassis.settings import Settings
from pydantic import SecretStr, field_validator

from registry.protected.keys import SensitiveKeys


class RegistrySettings(Settings):
    """The settings of every service, and the registry's own."""

    sensitive_keys: SecretStr = SecretStr("")
    """The keys of protected facts, "name:base64,name:base64": the first encrypts, all decrypt. Without any none is shown or taken."""

    @field_validator("sensitive_keys")
    @classmethod
    def _are_keys(cls, value: SecretStr) -> SecretStr:
        SensitiveKeys.told(value.get_secret_value())
        return value
