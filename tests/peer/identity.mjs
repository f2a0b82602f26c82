// Who the clinician is, in a token of its own (OpenID Connect): the server's keys, and what they sign.

import { generateKeyPairSync, sign } from "node:crypto";

import { json } from "./answers.mjs";

const KEY_ID = "record";
const CLINICIAN = "Practitioner/clinician";
const LASTS = 300; // seconds

// A key takes a moment to be made, and most tests ask for none.
let own;
const keys = () => (own ??= pair());
const pair = () => generateKeyPairSync("rsa", { modulusLength: 2048 });

/** GET /auth/jwks */
export const publicKeys = () =>
  json(200, { keys: [{ ...keys().publicKey.export({ format: "jwk" }), kid: KEY_ID, use: "sig", alg: "RS256" }] });

/** Who signed in, for one client and one request of it; wrong in the way that a fault says. */
export function identityToken({ issuer, struck }, { clientId, nonce }) {
  const now = Math.floor(Date.now() / 1000);
  const expired = struck.has("id_token_expired");
  const claims = {
    iss: struck.has("id_token_wrong_issuer") ? `${issuer}/another` : issuer,
    sub: "clinician",
    aud: struck.has("id_token_wrong_audience") ? "another-client" : clientId,
    iat: expired ? now - 7200 : now,
    exp: expired ? now - 3600 : now + LASTS,
    nonce: struck.has("id_token_wrong_nonce") ? "another-nonce" : nonce,
    fhirUser: `${issuer}/${CLINICIAN}`,
    profile: `${issuer}/${CLINICIAN}`,
  };
  const algorithm = struck.get("id_token_wrong_algorithm");
  const input = [{ alg: algorithm ?? "RS256", typ: "JWT", kid: KEY_ID }, claims].map(encoded).join(".");
  if (algorithm === "none") return `${input}.`;
  const { privateKey } = struck.has("id_token_wrong_signature") ? pair() : keys();
  return `${input}.${sign("sha256", Buffer.from(input), privateKey).toString("base64url")}`;
}

const encoded = (part) => Buffer.from(JSON.stringify(part)).toString("base64url");
