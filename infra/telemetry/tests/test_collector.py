"""The collector's configuration hangs together, and what spans say reaches it; what they do not, leaves nowhere."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from .conftest import ROOT, read

FILE = ROOT / "infra" / "telemetry" / "collector.yaml"
EXAMPLE = ROOT / "infra" / "cluster" / "examples" / "collector.yaml"
ENVIRONMENT = ROOT / "charts" / "service" / "templates" / "_environment.tpl"
VALUES = ROOT / "charts" / "tartip" / "values.yaml"
# Names of attributes, as OpenTelemetry writes them.
KEY = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)+")
# Where spans get their attributes: the argument of a span, `set_attribute`, and what `going_on` is told.
SPANS = ("start_as_current_span", "set_attribute", "set_attributes", "going_on")


def collector() -> Any:
    return read(FILE)


def attributes_set() -> Iterator[str]:
    """Every key that a span of ours may have: the literal keys in functions that begin a span or add to one."""
    for path in (ROOT / "services").rglob("*.py"):
        if {"tests", "testing"} & set(path.parts):
            continue
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and any(_traces(node) for node in ast.walk(function)):
                yield from (key for node in ast.walk(function) for key in _keys(node))


def _traces(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in SPANS


def _keys(node: ast.AST) -> Iterator[str]:
    given = node.keys if isinstance(node, ast.Dict) else node.args[:1] if isinstance(node, ast.Call) and _traces(node) else []
    for each in given:
        if isinstance(each, ast.Constant) and isinstance(each.value, str) and KEY.fullmatch(each.value):
            yield each.value


def test_everything_that_a_pipeline_names_is_declared_and_everything_declared_is_used() -> None:
    said = collector()
    for kind in ("receivers", "processors", "exporters"):
        used = {name for pipeline in said["service"]["pipelines"].values() for name in pipeline[kind]}
        assert used == set(said[kind]), kind
    assert set(said["service"]["extensions"]) == set(said["extensions"])


def test_memory_is_bounded_first_and_nothing_is_sampled_or_sent_before_it_is_redacted() -> None:
    for name, pipeline in collector()["service"]["pipelines"].items():
        order = pipeline["processors"]
        assert order[0] == "memory_limiter", name
        assert (
            order.index("filter/events")
            < order.index("transform/status")
            < order.index("redaction")
            < order.index("tail_sampling")
            < order.index("batch")
        ), name


def test_the_text_of_a_status_does_not_leave() -> None:
    (of_spans,) = collector()["processors"]["transform/status"]["trace_statements"]
    assert of_spans == {"context": "span", "statements": ['set(status.message, "")']}


def test_what_is_not_named_does_not_leave_and_what_our_spans_say_is_named() -> None:
    redaction = collector()["processors"]["redaction"]
    assert redaction["allow_all_keys"] is False
    ours = set(attributes_set())
    assert {"rpc.method", "http.response.status_code", "messaging.destination.name", "tartip.badges", "tartip.passages"} <= ours
    assert ours - set(redaction["allowed_keys"]) == set()
    of_the_charts = set(re.findall(r"(tartip\.\w+)=%s", ENVIRONMENT.read_text(encoding="utf-8")))
    assert of_the_charts == {"tartip.region"}
    assert {key for key in redaction["allowed_keys"] if key.startswith("tartip.")} == {
        *of_the_charts,
        *(key for key in ours if key.startswith("tartip.")),
    }


def test_whole_traces_come_in_for_what_is_kept_is_decided_on_here() -> None:
    assert re.search(r"^    share: 1$", VALUES.read_text(encoding="utf-8"), re.MULTILINE)


def test_what_looks_like_the_number_of_a_person_is_masked() -> None:
    masks = [re.compile(each) for each in collector()["processors"]["redaction"]["blocked_values"]]
    for text, masked in (("920101300123", True), ("servants/920101300123", True), ("01a21b8b-8dc1-7e99-a03d-3e3d83f8fd61", False)):
        assert any(mask.search(text) for mask in masks) is masked, text


def test_errors_and_what_is_slow_are_kept_and_a_share_of_the_rest() -> None:
    policies = {each["type"]: each for each in collector()["processors"]["tail_sampling"]["policies"]}
    assert policies["status_code"]["status_code"]["status_codes"] == ["ERROR"]
    assert policies["latency"]["latency"]["threshold_ms"] > 0
    assert "TARTIP_COLLECTOR_SHARE" in policies["probabilistic"]["probabilistic"]["sampling_percentage"]


def test_every_variable_is_explained_where_it_is_read() -> None:
    text = FILE.read_text(encoding="utf-8")
    head = text.partition("\nextensions:")[0]
    assert set(re.findall(r"\$\{env:(\w+)", text)) == set(re.findall(r"TARTIP_COLLECTOR_\w+", head))


def test_the_example_of_a_cluster_stands_where_a_region_sends_its_spans_and_says_what_the_configuration_asks() -> None:
    [deployment, service, policy] = yaml.safe_load_all(EXAMPLE.read_text(encoding="utf-8"))
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    sent_to = urlsplit(
        read(ROOT / "charts" / "tartip" / "values-region-example.yaml")["global"]["telemetry"]["traces"].removeprefix("otlp:")
    )
    assert sent_to.hostname == f"{service['metadata']['name']}.{service['metadata']['namespace']}.svc"
    listens = {int(each.rpartition(":")[2]) for each in (receiver()["endpoint"], collector()["extensions"]["health_check"]["endpoint"])}
    assert {each["containerPort"] for each in container["ports"]} == listens
    assert {sent_to.port} == {each["port"] for each in service["spec"]["ports"]} == {policy["spec"]["ingress"][0]["ports"][0]["port"]}
    must_be_said = set(re.findall(r"\$\{env:(\w+)\}", FILE.read_text(encoding="utf-8")))
    assert must_be_said <= {each["name"] for each in container["env"]}


def receiver() -> Any:
    return collector()["receivers"]["otlp"]["protocols"]["grpc"]


def test_no_span_of_ours_keeps_the_text_of_an_error() -> None:
    """Where spans are begun they say that exceptions are not recorded, or nothing can raise through them."""
    without = []
    for path in (ROOT / "services").rglob("*.py"):
        if {"tests", "testing"} & set(path.parts):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "start_as_current_span":
                told = {each.arg: each.value for each in node.keywords}
                kept = told.get("record_exception")
                if not (isinstance(kept, ast.Constant) and kept.value is False):
                    without.append(f"{Path(path).relative_to(ROOT)}:{node.lineno}")
    assert without == []
