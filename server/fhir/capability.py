"""What this server says that it can do for other programs of a hospital."""

from __future__ import annotations

from server.entering.bodies import FHIR_TYPE
from server.fhir.checking import Resource, checked
from server.wording.language import Language

OPERATION = "evaluate"
R4 = "4.0.1"


def capability_statement(language: Language, address: str, version: str, day: str) -> Resource:
    """The CapabilityStatement of the server whose resources are at ``address``, as it has been since ``day``."""
    purpose = language.sentences.say("operation_purpose")
    operation = {
        "name": OPERATION,
        "definition": f"{address}/OperationDefinition/{OPERATION}",
        "documentation": purpose,
    }
    read, search = {"code": "read"}, {"code": "search-type"}
    return checked(
        {
            "resourceType": "CapabilityStatement",
            "language": language.code,
            "url": f"{address}/metadata",
            "status": "active",
            "date": day,
            "kind": "instance",
            "software": {"name": "rps-prognosis", "version": version},
            "implementation": {"description": purpose, "url": address},
            "fhirVersion": R4,
            "format": [FHIR_TYPE, "json"],
            "rest": [
                {
                    "mode": "server",
                    "resource": [
                        {"type": "RiskAssessment", "operation": [operation]},
                        {"type": "Questionnaire", "interaction": [read, search]},
                        {"type": "OperationDefinition", "interaction": [read]},
                    ],
                }
            ],
        }
    )


def operation_definition(language: Language, address: str) -> Resource:
    """The OperationDefinition of the one operation there is."""
    say = language.sentences.say
    parameters = {"response": ("in", "operation_takes"), "return": ("out", "operation_gives")}
    return checked(
        {
            "resourceType": "OperationDefinition",
            "id": OPERATION,
            "language": language.code,
            "url": f"{address}/OperationDefinition/{OPERATION}",
            "name": "Evaluate",
            "status": "active",
            "kind": "operation",
            "description": say("operation_purpose"),
            "affectsState": False,
            "code": OPERATION,
            "resource": ["RiskAssessment"],
            "system": False,
            "type": True,
            "instance": False,
            "parameter": [
                {"name": name, "use": use, "min": 1, "max": "1", "documentation": say(sentence), "type": "Resource"}
                for name, (use, sentence) in parameters.items()
            ],
        }
    )
