// Who a client is: nothing to show (public), its secret (client_secret_basic), or something signed with its key
// (private_key_jwt, as SMART App Launch 2.2 asks for it).

import { createHash, createPublicKey, timingSafeEqual, verify } from "node:crypto";

import { assertions, clients } from "./state.mjs";

const BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const LONGEST = 300; // seconds that an assertion may last

/** The identifier of the client that sent this form, or null where it is not who it says. */
export function authenticated({ headers, origin }, form) {
  const [id, shown, value] = credentials(headers, form);
  const client = clients.get(id);
  if (client?.auth !== shown) return null;
  if (shown === "secret") return same(client.secret, value) ? id : null;
  if (shown === "key") return signed(value, { id, client, audience: `${origin}/auth/token` }) ? id : null;
  return id;
}

function credentials({ authorization }, form) {
  const basic = /^Basic +(\S+)$/i.exec(authorization ?? "")?.[1];
  if (basic !== undefined) {
    const [id, secret] = Buffer.from(basic, "base64").toString().split(":").map(unescape);
    return [id, "secret", secret ?? ""];
  }
  if (form.get("client_assertion_type") === BEARER) {
    const assertion = form.get("client_assertion") ?? "";
    return [parts(assertion)?.claims.sub, "key", assertion];
  }
  return [form.get("client_id"), "none", null];
}

// The two halves of what Basic carries are encoded as a form's values are (RFC 6749, 2.3.1).
const unescape = (text) => new URLSearchParams(`value=${text}`).get("value");

const same = (one, other) => timingSafeEqual(digest(one), digest(other));
const digest = (text) => createHash("sha256").update(text).digest();

function parts(jwt) {
  try {
    const [head, body, signature] = jwt.split(".");
    const [header, claims] = [head, body].map((part) => JSON.parse(Buffer.from(part, "base64url")));
    return { header, claims, input: Buffer.from(`${head}.${body}`), signature: Buffer.from(signature, "base64url") };
  } catch {
    return null;
  }
}

function signed(assertion, { id, client, audience }) {
  const { header, claims, input, signature } = parts(assertion); // it has parts: the client was found by one of them
  const now = Date.now() / 1000;
  const key = (client.jwk.keys ?? [client.jwk]).find(({ kid }) => kid === undefined || kid === header.kid);
  const right =
    key !== undefined &&
    ["JWT", undefined].includes(header.typ) &&
    claims.iss === id &&
    claims.sub === id &&
    [claims.aud].flat().includes(audience) &&
    claims.exp > now &&
    claims.exp <= now + LONGEST + 5 && // the clocks of two machines differ
    typeof claims.jti === "string" &&
    !assertions.has(claims.jti) &&
    genuine(header.alg, { key, input, signature });
  if (right) assertions.add(claims.jti);
  return right;
}

function genuine(algorithm, { key, input, signature }) {
  const publicKey = createPublicKey({ key, format: "jwk" });
  const type = { RS384: "rsa", ES384: "ec" }[algorithm];
  if (publicKey.asymmetricKeyType !== type) return false;
  return verify("sha384", input, { key: publicKey, dsaEncoding: "ieee-p1363" }, signature);
}
