"""What is promised to people and devices, and when a promise is being broken too fast: service level objectives, as rules of Prometheus.

Each is a share of good events over thirty days; what may be bad is its budget. It is told by two pairs of windows: so fast that two percent
of the month's budget go in an hour (or five in six hours), which somebody is woken for, and so slowly that ten percent go in three days.
"""

from dataclasses import dataclass
from typing import Any

from chassis.interceptors.telemetry import OUR_FAULT

PERIOD_DAYS = 30
WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
SECONDS = {"1h": 3_600, "6h": 21_600, "1d": 86_400, "3d": 259_200}
# At night one bad event of sixty is more than any budget, and says nothing.
FEW = 10
ERRORS, LEFT = "tartip:slo_errors:ratio_rate", "tartip:slo_budget_left:ratio"
# Streams count once, at their end, which comes with every restart; those of devices have an objective of their own.
STREAMS = ".*/(RecordPassages|WatchWorkdays)"


@dataclass(frozen=True, slots=True)
class Burn:
    """So many times as fast as the budget allows, over both windows; the short one ends the alarm soon after the trouble has ended."""

    severity: str
    times: float
    long: str
    short: str


BURNS = (Burn("page", 14.4, "1h", "5m"), Burn("page", 6, "6h", "30m"), Burn("ticket", 3, "1d", "2h"), Burn("ticket", 1, "3d", "6h"))


@dataclass(frozen=True, slots=True)
class Objective:
    """A promise: a share of the events is good. `good` and `all` are rates over a window that is written as WINDOW."""

    name: str
    alert: str
    promise: str
    share: float
    good: str
    all: str
    reason: str
    summary: str

    @property
    def budget(self) -> float:
        """The share that may be bad."""
        return round(1 - self.share, 6)

    def over(self, window: str) -> tuple[str, str]:
        """The rates of good events and of all, over that window."""
        return self.good.replace("WINDOW", window), self.all.replace("WINDOW", window)


_VISIBLE, _ACKNOWLEDGED = "tartip_passage_visible_seconds", "tartip_gateway_acknowledge_seconds"
_CALLS = f'tartip_rpc_calls_total{{method=~"/tartip.*",method!~"{STREAMS}"'

OBJECTIVES = (
    Objective(
        name="visible",
        alert="TartipDaysVisibleLate",
        promise="A live passage can be seen in its day within 1 s of its receipt: 95 % of them (p95).",
        share=0.95,
        good=f'sum(rate({_VISIBLE}_bucket{{lane="live",le="1.0"}}[WINDOW]))',
        all=f'sum(rate({_VISIBLE}_count{{lane="live"}}[WINDOW]))',
        reason="The bench `latency` promises a p95 of 1 s at 300 passages/s and measured 0.73 s (docs/benchmarks.md). While a region's backlog"
        " is taken up the p95 may be 5 s: such an afternoon is paid from the budget.",
        summary="Passages are seen in their days too late",
    ),
    Objective(
        name="acknowledged",
        alert="TartipDevicesAnsweredLate",
        promise='A device\'s request is answered "taken", and is in Kafka for good, within 0.5 s: 99 % of them (p99).',
        share=0.99,
        # A gateway that has taken nothing yet has no such series, and all of its answers are bad.
        good=f'sum(rate({_ACKNOWLEDGED}_bucket{{outcome="taken",le="0.5"}}[WINDOW])) or vector(0)',
        all=f"sum(rate({_ACKNOWLEDGED}_count[WINDOW]))",
        reason="A batch is open for 50 ms, or 100 ms where it is late, and a Kafka of three nodes confirms within some tens; a device waits 8 s"
        ' before it is told "not taken". Half a second leaves the broker ten times its ordinary time. "Not taken" is bad however quick.',
        summary="Devices are answered late, or told to send again",
    ),
    Objective(
        name="available",
        alert="TartipCallsFail",
        promise="A call of the API does not fail for a reason of ours: 99.9 % of them.",
        share=0.999,
        good=f'sum(rate({_CALLS}}}[WINDOW])) - (sum(rate({_CALLS},code=~"{"|".join(sorted(OUR_FAULT))}"}}[WINDOW])) or vector(0))',
        all=f"sum(rate({_CALLS}}}[WINDOW]))",
        reason="A month's 43 minutes are enough for upgrades (UNAVAILABLE, tried again by every client of ours) and one failover of PostgreSQL."
        " Refusals that say something about the request count as answered.",
        summary="Calls of the API fail for reasons of ours",
    ),
)


def rules() -> dict[str, Any]:
    """The file of rules: what is recorded, and what is alarmed at."""
    recorded = [_recorded(objective, ERRORS + window, window) for objective in OBJECTIVES for window in WINDOWS]
    left = [_recorded(objective, LEFT, f"{PERIOD_DAYS}d", objective.budget) for objective in OBJECTIVES]
    alerts = [_alert(objective, severity) for objective in OBJECTIVES for severity in ("page", "ticket")]
    return {
        "groups": [
            {"name": "tartip-objectives", "rules": recorded},
            # A month is read for it, and changes little in five minutes.
            {"name": "tartip-objectives-month", "interval": "5m", "rules": left},
            {"name": "tartip-objectives-alerts", "rules": alerts},
        ]
    }


def _recorded(objective: Objective, name: str, window: str, budget: float | None = None) -> dict[str, Any]:
    """The share that was bad over a window, or, where the budget is given, how much of it is left."""
    good, all_ = objective.over(window)
    bad = f"1 - ({good}) / ({all_})"
    return {"record": name, "labels": {"slo": objective.name}, "expr": bad if budget is None else f"1 - ({bad}) / {budget}"}


def _alert(objective: Objective, severity: str) -> dict[str, Any]:
    burns = [each for each in BURNS if each.severity == severity]
    name = f'{{slo="{objective.name}"}}'
    too_fast = []
    for each in burns:
        limit = round(each.times * objective.budget, 6)
        good, all_ = objective.over(each.long)
        many = f"({all_} - ({good})) * {SECONDS[each.long]} > {FEW}"
        too_fast.append(f"({ERRORS}{each.long}{name} > {limit} and {ERRORS}{each.short}{name} > {limit} and on () ({many}))")
    often = " or ".join(f"{each.times:g} times as fast over {each.long}" for each in burns)
    return {
        "alert": objective.alert,
        "expr": " or ".join(too_fast),
        "for": "2m" if severity == "page" else "15m",
        "labels": {"severity": severity, "slo": objective.name},
        "annotations": {
            "summary": objective.summary,
            "description": f"{objective.promise} Now {{{{ $value | humanizePercentage }}}} are not, more than the month's budget allows"
            f" ({often}).",
            "runbook_url": f"docs/runbooks/{objective.alert}.md",
        },
    }
