"""The variables that processes are told by: the chart's schema knows their names, so that a misspelt one is refused before any cluster sees it."""

import json
import re

from chassis.server import Limits
from chassis.settings import Settings
from chassis.testing.artifacts import ROOT
from chassis.tls import TlsSettings
from registry.settings import RegistrySettings
from timetracking.gateway.settings import GatewaySettings
from timetracking.settings import TimetrackingSettings

FILE = ROOT / "charts" / "service" / "values.schema.json"
OF_PROCESSES = (Settings, Limits, TlsSettings, RegistrySettings, TimetrackingSettings, GatewaySettings)
# Read before there are settings: it says how the refusal of a setting is logged.
BESIDE = {"TARTIP_LOG_LEVEL"}
_NAMES = re.compile(r'("named": \{\n      "properties": \{).*?\n      \}', re.DOTALL)


def names() -> list[str]:
    """All names, in their order."""
    own = {f"{settings.model_config['env_prefix']}{field.upper()}" for settings in OF_PROCESSES for field in settings.model_fields}
    return sorted(own | BESIDE)


def text() -> str:
    """The schema with these names."""
    lines = ",".join(f"\n        {json.dumps(name)}: {{}}" for name in names())
    return _NAMES.sub(lambda found: f"{found[1]}{lines}\n      }}", FILE.read_text(encoding="utf-8"))
