"""FHIR R4: what a record says about a patient, what a prediction says to a record, and the questions as a form."""
