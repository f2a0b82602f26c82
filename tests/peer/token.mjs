// Where a code becomes a token: POST /auth/token.

import { createHash } from "node:crypto";

import { json } from "./answers.mjs";
import { authenticated } from "./clients.mjs";
import { identityToken } from "./identity.mjs";
import { codes, tokens, unguessable } from "./state.mjs";

const EXPIRES_IN = 3600;

const refusal = (error, description, status = 400, headers = {}) =>
  json(status, { error, error_description: description }, headers);

export function exchanged(exchange) {
  const { headers, body } = exchange;
  if (!/^application\/x-www-form-urlencoded\b/.test(headers["content-type"] ?? "")) {
    return refusal("invalid_request", "Send a form");
  }
  const form = new URLSearchParams(body);
  if (form.get("grant_type") !== "authorization_code") return refusal("unsupported_grant_type", "Only codes are taken");
  const clientId = authenticated(exchange, form);
  if (clientId === null) {
    const challenge = headers.authorization === undefined ? {} : { "www-authenticate": 'Basic realm="token"' };
    return refusal("invalid_client", "The client is not who it says", 401, challenge);
  }
  const given = codes.get(form.get("code"));
  const why = problem(given, form, clientId);
  if (why !== undefined) return refusal("invalid_grant", why);
  given.used = true;
  return granted(exchange, given, clientId);
}

function problem(given, form, clientId) {
  if (given === undefined) return "No such code was given";
  if (given.used) {
    // A code that comes twice has been stolen by one of the two: what the first got is taken back (RFC 6749, 4.1.2).
    given.token.ended ??= "revoked";
    return "The code was used before";
  }
  if (given.asked.client_id !== clientId) return "The code was given to another client";
  if (given.asked.redirect_uri !== form.get("redirect_uri")) return "The redirect_uri is another one";
  const verifier = form.get("code_verifier") ?? "";
  const challenge = createHash("sha256").update(verifier).digest("base64url");
  if (!/^[\w.~-]{43,128}$/.test(verifier) || challenge !== given.asked.code_challenge) return "The verifier is wrong";
  return undefined;
}

function granted(exchange, given, clientId) {
  const { scope, encounter, banner, asked } = given;
  const scopes = scope.split(" ");
  const patient = exchange.struck.get("token_for") ?? given.patient;
  const accessToken = unguessable();
  given.token = { scopes, patient, ended: null };
  tokens.set(accessToken, given.token);
  const answer = { access_token: accessToken, token_type: "Bearer", expires_in: EXPIRES_IN, scope };
  if (patient !== null) answer.patient = patient;
  if (encounter != null) answer.encounter = encounter;
  if (banner !== null) answer.need_patient_banner = banner;
  if (scopes.includes("openid")) answer.id_token = identityToken(exchange, { clientId, nonce: asked.nonce });
  return json(200, answer, { pragma: "no-cache" });
}
