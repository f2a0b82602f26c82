"""What the server writes down."""

from __future__ import annotations

import logging

import pytest

from server.logs import WithoutQuery


@pytest.mark.parametrize(("address", "written"), [("/?name=Jane", "/"), ("/model", "/model"), ("/a?b?c", "/a")])
def test_no_query_is_written_down(address: str, written: str) -> None:
    """S2: no patient value in a log, even one that somebody put into the address by hand."""
    arguments = ("127.0.0.1:1", "GET", address, "1.1", 200)
    record = logging.LogRecord("uvicorn.access", 20, "", 0, '%s - "%s %s HTTP/%s" %d', arguments, None)
    assert WithoutQuery().filter(record)
    assert f'"GET {written} HTTP/1.1" 200' in record.getMessage()


def test_other_records_pass() -> None:
    """The filter is for access lines alone."""
    record = logging.LogRecord("uvicorn.error", 20, "", 0, "started", None, None)
    assert WithoutQuery().filter(record)
    assert record.getMessage() == "started"
