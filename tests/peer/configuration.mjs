// What the server says of itself, to anybody. Where to ask for tokens stands in one place alone: the extension
// oauth-uris of the capability statement has been out of date since 2021, and who still relied on it would fail here.

import { fhir, json } from "./answers.mjs";
import { SUPPORTED } from "./scopes.mjs";

export const smartConfiguration = ({ issuer, origin }) =>
  json(200, {
    issuer,
    jwks_uri: `${origin}/auth/jwks`,
    authorization_endpoint: `${origin}/auth/authorize`,
    token_endpoint: `${origin}/auth/token`,
    grant_types_supported: ["authorization_code"],
    response_types_supported: ["code"],
    code_challenge_methods_supported: ["S256"],
    scopes_supported: SUPPORTED,
    token_endpoint_auth_methods_supported: ["client_secret_basic", "private_key_jwt"],
    token_endpoint_auth_signing_alg_values_supported: ["RS384", "ES384"],
    capabilities: [
      "launch-ehr",
      "launch-standalone",
      "client-public",
      "client-confidential-symmetric",
      "client-confidential-asymmetric",
      "context-banner",
      "context-ehr-patient",
      "context-ehr-encounter",
      "context-standalone-patient",
      "permission-patient",
      "permission-v1",
      "permission-v2",
      "sso-openid-connect",
    ],
  });

const TYPES = ["Condition", "Device", "DocumentReference", "Encounter", "Observation", "Patient", "Procedure"];

export const capabilityStatement = ({ issuer }) => {
  const interaction = ["read", "search-type", "create"].map((code) => ({ code }));
  const system = "http://terminology.hl7.org/CodeSystem/restful-security-service";
  return fhir(200, {
    resourceType: "CapabilityStatement",
    status: "active",
    date: "2026-01-01",
    kind: "instance",
    implementation: { description: "A record for tests", url: issuer },
    fhirVersion: "4.0.1",
    format: ["application/fhir+json"],
    rest: [
      {
        mode: "server",
        security: { service: [{ coding: [{ system, code: "SMART-on-FHIR" }] }] },
        resource: [...TYPES, "RiskAssessment"].map((type) => ({ type, interaction })),
      },
    ],
  });
};
