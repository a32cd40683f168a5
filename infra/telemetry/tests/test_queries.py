"""A query that asks for what nobody shows is refused: Prometheus would answer it with nothing, which looks like health."""

import pytest
from telemetry.queries import WrongQuery, check

KNOWN = {"tartip_a_total": frozenset({"why"}), "tartip_b_bucket": frozenset({"le", "lane"}), "up": frozenset[str]()}


@pytest.mark.parametrize(
    "query",
    [
        'sum by (why) (rate(tartip_a_total{why!="x"}[5m])) > 3',
        'histogram_quantile(0.9, sum by (le) (rate(tartip_b_bucket{lane="live"}[$__rate_interval])))',
        'min_over_time(max(tartip_a_total)[6h:1m]) > 0 and on (instance) up{job="x"} == 1',
        'absent(up{namespace="x"}) or vector(0)',
        "topk(3, tartip_a_total offset 1d)",
        "-(tartip_a_total)",
    ],
)
def test_a_query_for_what_is_shown_is_taken(query: str) -> None:
    check(query, KNOWN)


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("sum(rate(tartip_c_total[5m]))", "no process shows tartip_c_total"),
        ("sum(rate(tartip_a[5m]))", "no process shows tartip_a"),
        ("up and on (instance) absent(tartip_c_total)", "no process shows tartip_c_total"),
        ("min_over_time(max(tartip_c_total)[6h:1m])", "no process shows tartip_c_total"),
        ("quantile(scalar(tartip_c_total), up)", "no process shows tartip_c_total"),
        ('{__name__="tartip_c_total"}', "no process shows tartip_c_total"),
        ('tartip_a_total{reason="x"}', "tartip_a_total has no label reason"),
        ("sum by (reason) (tartip_a_total)", "nothing in it has the label reason"),
        ("tartip_a_total * on (instance) group_left (component) up", "nothing in it has the label component"),
        ("sum(rate(tartip_a_total[5m])", "tartip_a_total"),
        ("rate(tartip_a_total)", "tartip_a_total"),
        ("vector(1)", "asks for nothing"),
    ],
)
def test_a_query_for_what_nobody_shows_is_refused_by_name(query: str, wrong: str) -> None:
    with pytest.raises(WrongQuery, match=wrong):
        check(query, KNOWN)
