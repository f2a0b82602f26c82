"""How signed tokens are read, whoever signed them: what nobody here understands in a header is passed over."""

from __future__ import annotations

from collections.abc import Sequence

from joserfc.jws import JWSRegistry

LEEWAY = 60
"""Seconds by which clocks may differ. Some EHRs round the time up at which they sign."""


def reading(algorithms: Sequence[str]) -> JWSRegistry:
    """What is accepted of a token that is signed in one of these ways.

    Chains of certificates ride along in headers; they are passed over, and must not make a token one too large.
    """
    registry = JWSRegistry(algorithms=algorithms, strict_check_header=False)
    registry.max_header_length = 8192
    return registry
