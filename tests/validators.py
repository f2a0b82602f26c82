"""What independent validators find wrong with FHIR R4 resources: several, for each of them overlooks something.

None of them looks into SNOMED, LOINC or the profiles of mCODE.
"""

from __future__ import annotations

import functools
import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import fhirpathpy
from fhir.resources.R4B import get_fhir_model_class
from fhirpathpy.models import models
from pydantic import ValidationError

from tests.ehr_peer import NODE, SCRIPTS

DEFINITION = SCRIPTS.parents[1] / "build" / "peer" / "definitions" / "RiskAssessment.json"

# What stands under an element of several types is found by its name alone.
PLACES = {
    "RiskAssessment.prediction": "RiskAssessment.prediction",
    "RiskAssessment.prediction.probability[x]": "RiskAssessment.prediction.probability",
}


def problems_of(resources: Sequence[Mapping[str, Any]]) -> list[str]:
    """All that anything has against these resources, each as `validator: place in the list, type: what is wrong`."""
    texts = [json.dumps(resource) for resource in resources]
    return [
        f"{validator}: {place} {resource.get('resourceType')}: {problem}"
        for place, (resource, by_node) in enumerate(zip(resources, _by_node(texts), strict=True))
        for validator, problems in (
            ("fhir.resources", _by_fhir_resources(resource)),
            ("npm fhir", by_node["fhir"]),
            ("Medplum", by_node["medplum"]),
            ("FHIRPath", _by_invariants(resource)),
        )
        for problem in problems
    ]


def _by_node(texts: Sequence[str]) -> list[dict[str, list[str]]]:
    """What the two validators that need Node say of each, in one process for all."""
    command = (NODE, SCRIPTS / "validate.mjs")
    done = subprocess.run(command, input="\n".join(texts), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()]


def _by_fhir_resources(resource: Mapping[str, Any]) -> list[str]:
    """What the models for R4B say, whose resources of the kinds that are used here are those of R4."""
    try:
        get_fhir_model_class(resource["resourceType"]).model_validate_json(json.dumps(resource))
    except ValidationError as error:
        return [f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors()]
    except (KeyError, ValueError) as error:
        return [str(error)]
    return []


def _by_invariants(resource: Mapping[str, Any]) -> Iterator[str]:
    """The rules for a risk assessment that do not hold.

    Without the model of R4, ras-2 would be false for whatever is right, and ras-1 true for whatever is wrong.
    """
    if resource.get("resourceType") != "RiskAssessment":
        return
    for key, rule in invariants().items():
        holds = fhirpathpy.evaluate(dict(resource), rule, {}, models["r4"])
        if holds != [True]:
            yield f"{key} does not hold: {rule}"


@functools.cache
def invariants() -> Mapping[str, str]:
    """The rules ras-1 and ras-2 as FHIR's own definition gives them, each for the whole of a resource."""
    elements = json.loads(DEFINITION.read_text(encoding="utf-8"))["snapshot"]["element"]
    return {
        constraint["key"]: f"{PLACES[element['path']]}.all({constraint['expression']})"
        for element in elements
        for constraint in element.get("constraint", ())
        if constraint["key"].startswith("ras-")
    }
