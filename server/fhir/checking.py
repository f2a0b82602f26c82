"""Whether a resource is one: the last thing that happens to it before it leaves.

The library knows R4B, whose resources of the kinds made here are those of R4. It checks names, types and cardinalities;
the tests hold the same resources against two other validators and the invariants, none of which serves requests.
"""

from __future__ import annotations

from typing import Any

Resource = dict[str, Any]

WRITTEN = ("RiskAssessment", "Observation", "DocumentReference")
"""The kinds of resources that are written to a record."""
ELEMENTS = (
    *("Annotation", "Attachment", "CodeableConcept", "Coding", "Device", "Identifier", "Narrative", "Period"),
    *("Quantity", "Reference"),
)
"""What stands in them; the library would load each of these with the first resource that has one."""


def checked(resource: Resource) -> Resource:
    """The resource, when nothing is wrong with it. Raises ValueError."""
    # Loaded with the first resource: it is large, and a form without a record never needs it.
    from fhir.resources.R4B import get_fhir_model_class  # noqa: PLC0415

    get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    return resource


def prepare() -> None:
    """Load what checking needs, which takes half a second: before anybody is answered, where a record is written to."""
    from fhir.resources.R4B import get_fhir_model_class  # noqa: PLC0415

    for kind in (*WRITTEN, *ELEMENTS):
        get_fhir_model_class(kind)
