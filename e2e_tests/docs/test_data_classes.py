"""The page of data classes is what the services declare."""

from .data_classes import PAGE, page


def test_the_page_is_what_make_docs_would_write() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()
