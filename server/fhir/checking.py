"""Whether a resource is one: the last thing that happens to it before it leaves.

The library knows R4B, whose resources of the kinds made here are those of R4. It checks names, types and cardinalities;
the tests hold the same resources against two other validators and the invariants, none of which serves requests.
"""

from __future__ import annotations

from typing import Any

Resource = dict[str, Any]


def checked(resource: Resource) -> Resource:
    """The resource, when nothing is wrong with it. Raises ValueError."""
    # Loaded with the first resource: it is large, and a form without a record never needs it.
    from fhir.resources.R4B import get_fhir_model_class  # noqa: PLC0415

    get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    return resource
