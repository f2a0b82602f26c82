// The way to the record, /fhir/R4: whoever shows a token may do what its scopes name, with the data of its patient.
// Behind it stand Medplum's router and repository, which would give everything to everybody.

import { fhir, outcome } from "./answers.mjs";
import { capabilityStatement, smartConfiguration } from "./configuration.mjs";
import { belongsTo, know, problemsOf } from "./definitions.mjs";
import { load } from "./packages.mjs";
import { allows } from "./scopes.mjs";
import { firstPage, furtherPage, readable } from "./searching.mjs";
import { created, repository, tokens } from "./state.mjs";

const { FhirRouter, makeSimpleRequest } = load("@medplum/fhir-router");
const { getStatus } = load("@medplum/core");

const router = new FhirRouter();

/** The answer to a request under /fhir/R4; rest is what follows that. */
export async function record(exchange, rest) {
  const { method } = exchange;
  if (method === "GET" && rest === "/.well-known/smart-configuration") return smartConfiguration(exchange);
  if (method === "GET" && rest === "/metadata") return capabilityStatement(exchange);

  const bearer = /^Bearer +(\S+)$/i.exec(exchange.headers.authorization ?? "")?.[1];
  const token = tokens.get(bearer);
  if (token === undefined || token.ended !== null) return unauthorized(bearer, token);
  if (method === "GET" && rest === "" && exchange.url.searchParams.has("_getpages")) {
    return furtherPage(exchange, bearer);
  }

  const [, type, id, ...further] = rest.split("/");
  if (!type || further.length > 0 || !know(type)) return outcome(404, "not-found", `Nothing is at ${rest || "/"}`);
  const action = ACTIONS[method]?.(id);
  if (action === undefined) return outcome(405, "not-supported", `${method} is not done here`);
  if (!allows(token.scopes, type, action)) return insufficient(type, action);

  const inPlaceOf = token.patient;
  const patient = exchange.struck.get("wrong_patient") ?? token.patient;
  const asked = { exchange, type, id, patient, inPlaceOf, bearer };
  if (action === "s") return search(asked);
  if (action === "c") return create(asked);
  return existing(asked);
}

const ACTIONS = {
  GET: (id) => (id === undefined ? "s" : "r"),
  POST: (id) => ({ undefined: "c", _search: "s" })[id],
  PUT: (id) => id && "u",
  DELETE: (id) => id && "d",
};

function unauthorized(bearer, token) {
  const why = token === undefined ? "unknown" : token.ended;
  const challenge = bearer === undefined ? "" : `, error="invalid_token", error_description="${why}"`;
  const text = bearer === undefined ? "A token is needed" : `The token is ${why}`;
  return outcome(401, "login", text, { "www-authenticate": `Bearer realm="record"${challenge}` });
}

function insufficient(type, action) {
  const scope = `patient/${type}.${action}`;
  const challenge = `Bearer realm="record", error="insufficient_scope", scope="${scope}"`;
  return outcome(403, "forbidden", `The token lacks ${scope}`, { "www-authenticate": challenge });
}

const anothers = () => outcome(403, "forbidden", "This is not the patient whom the token is for");

async function search({ exchange, type, patient, inPlaceOf, bearer }) {
  const form = exchange.method === "POST" ? new URLSearchParams(exchange.body) : [];
  const query = [...exchange.url.searchParams, ...form];
  const { asked, unknown, count } = readable(type, query, patient, inPlaceOf);
  if (unknown.length > 0) return outcome(400, "not-supported", `${type} is not searched by ${unknown.join(", ")}`);
  const [result, bundle] = await router.handleRequest(makeSimpleRequest("GET", `${type}?${asked}`), repository);
  if (bundle === undefined) return fhir(getStatus(result), result);
  return firstPage(exchange, { bundle, patient, count, token: bearer });
}

async function create({ exchange, type, patient }) {
  const { resource, refusal } = readResource(exchange, type, patient);
  if (refusal !== undefined) return refusal;
  delete resource.id;
  const [result, stored] = await router.handleRequest(makeSimpleRequest("POST", type, resource), repository);
  const status = getStatus(result);
  if (status !== 201) return fhir(status, result);
  created.push(stored);
  return written(exchange, 201, stored);
}

async function existing({ exchange, type, id, patient, inPlaceOf }) {
  const { method } = exchange;
  const meant = type === "Patient" && id === inPlaceOf ? patient : id;
  const [found, present] = await router.handleRequest(makeSimpleRequest("GET", `${type}/${meant}`), repository);
  if (present !== undefined && !belongsTo(patient, present)) return anothers();
  if (method === "GET") {
    return present === undefined ? fhir(getStatus(found), found) : fhir(200, present, version(present));
  }
  if (method === "DELETE") {
    const [result] = await router.handleRequest(makeSimpleRequest("DELETE", `${type}/${id}`), repository);
    return getStatus(result) === 200 ? { status: 204, headers: {}, body: "" } : fhir(getStatus(result), result);
  }
  const { resource, refusal } = readResource(exchange, type, patient);
  if (refusal !== undefined) return refusal;
  const [result, stored] = await router.handleRequest(makeSimpleRequest("PUT", `${type}/${id}`, resource), repository);
  if (stored === undefined) return fhir(getStatus(result), result);
  created.push(stored);
  return written(exchange, present === undefined ? 201 : 200, stored);
}

/** What was sent to be kept, or why it is not. */
function readResource({ headers, body }, type, patient) {
  if (!/^application\/(fhir\+)?json\b/.test(headers["content-type"] ?? "")) {
    return { refusal: outcome(415, "not-supported", "Send application/fhir+json") };
  }
  let resource;
  try {
    resource = JSON.parse(body);
  } catch {
    return { refusal: outcome(400, "structure", "This is no JSON") };
  }
  if (resource?.resourceType !== type) return { refusal: outcome(400, "structure", `This is no ${type}`) };
  const problems = problemsOf(resource);
  if (problems.length > 0) return { refusal: outcome(422, "invalid", problems.join("; ")) };
  return belongsTo(patient, resource) ? { resource } : { refusal: anothers() };
}

const version = ({ meta }) => ({ etag: `W/"${meta.versionId}"` });

function written({ issuer, headers }, status, resource) {
  const { resourceType, id, meta } = resource;
  const location = `${issuer}/${resourceType}/${id}/_history/${meta.versionId}`;
  const answer = fhir(status, resource, { location, ...version(resource) });
  return /\breturn=minimal\b/.test(headers.prefer ?? "") ? { ...answer, body: "" } : answer;
}
