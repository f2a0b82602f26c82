"""What the server writes down: who asked for which page, and nothing that was behind the address."""

from __future__ import annotations

import logging


class WithoutQuery(logging.Filter):
    """Cut the query off the address in each line of the access log: whatever was put there by hand stays out of it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep the record, with its third argument shortened to the path."""
        if isinstance(record.args, tuple) and len(record.args) > 2:
            client, method, address, *others = record.args
            record.args = (client, method, str(address).partition("?")[0], *others)
        return True
