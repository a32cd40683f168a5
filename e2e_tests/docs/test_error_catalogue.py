"""The catalogue of refusals is what the protos, the texts and the code say now."""

from .error_catalogue import PAGE, catalogue


def test_the_error_catalogue_is_what_make_docs_would_write() -> None:
    assert PAGE.read_text(encoding="utf-8") == catalogue()
