// What is to go wrong, and how often. A fault is {path, method, times, kind, value}: path is a regular expression that
// is searched for in the path of a request, method and times may be null for every method and for ever.

import { json, outcome } from "./answers.mjs";
import { faults } from "./state.mjs";

export const KINDS = new Set([
  "status", // value: the status of an answer that does nothing else
  "delay", // value: milliseconds before the request is looked at
  "garbage", // done, but the body of the answer is no JSON
  "truncated", // done, but the connection ends in the middle of the answer
  "close", // the connection ends without an answer, and nothing is done
  "merge", // value: members that the JSON of the answer has instead of its own; null for none
  "wrong_patient", // value: the patient whose data are given instead of those that were asked for
  "many", // value: how many resources a search finds; copies of what there is make them up
  "next_link", // value: where the first page of a search says that the next one is
  "token_for", // value: the patient whom a token is for, instead of the launch's
  "id_token_wrong_signature",
  "id_token_wrong_algorithm", // value: the name of another one that its header gives, such as none
  "id_token_wrong_nonce",
  "id_token_wrong_audience",
  "id_token_wrong_issuer",
  "id_token_expired",
]);

/** The faults that strike this request, by their kind; each has then struck once more. */
export function strike(method, path) {
  const struck = new Map();
  for (const fault of faults) {
    const meant = fault.method === null || fault.method === method;
    if (meant && fault.times !== 0 && new RegExp(fault.path).test(path)) {
      if (fault.times !== null) fault.times -= 1;
      struck.set(fault.kind, fault.value ?? true);
    }
  }
  return struck;
}

/** The answer of a server that fails before it has done anything. */
export const failure = (status, path) =>
  path.startsWith("/fhir/")
    ? outcome(status, "exception", `This server was told to answer ${status}`)
    : json(status, { error: status < 500 ? "invalid_request" : "server_error" });

/** The answer, spoiled in what it says. */
export function spoiled(answer, struck) {
  if (struck.has("garbage")) return { ...answer, body: "<p>This is not what was asked for.</p>" };
  if (!struck.has("merge")) return answer;
  const merged = { ...JSON.parse(answer.body), ...struck.get("merge") };
  for (const [name, value] of Object.entries(merged)) if (value === null) delete merged[name];
  return { ...answer, body: JSON.stringify(merged) };
}
