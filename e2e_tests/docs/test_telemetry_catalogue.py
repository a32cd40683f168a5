"""The page of what can be seen is what code, chart and rules declare."""

from .telemetry_catalogue import PAGE, page


def test_the_page_is_what_make_docs_would_write() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()
