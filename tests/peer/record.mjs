// A record as hospitals have one, for the tests: FHIR R4 and SMART App Launch 2.2 over HTTPS, with nothing in it.
//
//   node record.mjs CERTIFICATE KEY
//
// prints {"port": ...} on a line as soon as it answers, and ends when its standard input does.

import { readFileSync } from "node:fs";
import { createServer } from "node:https";

import { html } from "./answers.mjs";
import { authorize, chosen } from "./authorize.mjs";
import { control } from "./control.mjs";
import { failure, spoiled, strike } from "./faults.mjs";
import { record } from "./gateway.mjs";
import { publicKeys } from "./identity.mjs";
import { portal } from "./portal.mjs";
import { requests } from "./state.mjs";
import { exchanged } from "./token.mjs";

const BASE = "/fhir/R4";

const ROUTES = {
  "GET /auth/authorize": authorize,
  "POST /auth/choose": chosen,
  "POST /auth/token": exchanged,
  "GET /auth/jwks": publicKeys,
};

async function answerTo(exchange) {
  const { method, path } = exchange;
  const route = ROUTES[`${method} ${path}`];
  if (route !== undefined) return route(exchange);
  if (path === BASE || path.startsWith(`${BASE}/`)) return record(exchange, path.slice(BASE.length));
  if (method === "GET" && path.startsWith("/ehr/")) return portal(exchange, decodeURIComponent(path.slice(5)));
  return html(404, "Nothing here", "<h1>Nothing here</h1>");
}

/** What was asked, in the form in which handlers take it and the tests read it back. */
async function read(request, origin) {
  const url = new URL(request.url, origin);
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const { method, headers } = request;
  const body = Buffer.concat(chunks).toString();
  return { method, path: url.pathname, url, headers, body, origin, issuer: origin + BASE };
}

async function serve(request, response, origin) {
  const exchange = await read(request, origin);
  const { method, path, url, headers, body } = exchange;
  if (path.startsWith("/control/")) return send(response, await control(exchange, path.slice(9)));

  const entry = { method, path, query: Object.fromEntries(url.searchParams), headers, body, status: null };
  requests.push(entry);
  const struck = strike(method, path);
  if (struck.has("close")) return request.socket.destroy();
  if (struck.has("delay")) await new Promise((resolve) => setTimeout(resolve, struck.get("delay")));
  const status = struck.get("status");
  const answer = status ? failure(status, path) : spoiled(await answerTo({ ...exchange, struck }), struck);
  entry.status = answer.status;
  return struck.has("truncated") ? breakOff(response, answer) : send(response, answer);
}

function send(response, { status, headers, body }) {
  response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(body) });
  response.end(body);
}

function breakOff(response, { status, headers, body }) {
  response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(body) });
  response.write(body.slice(0, body.length / 2), () => response.destroy());
}

const [certificate, key] = process.argv.slice(2).map((file) => readFileSync(file));
const server = createServer({ cert: certificate, key }, (request, response) => {
  serve(request, response, `https://localhost:${server.address().port}`).catch((error) => {
    console.error(error);
    response.destroy();
  });
});
server.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ port: server.address().port })));

// Whoever started it may be killed without a chance to say so; the pipe ends then, too.
process.stdin.resume().on("end", () => process.exit());
