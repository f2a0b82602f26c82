// Where a browser is sent to be let in: /auth/authorize and, where a patient has still to be picked, /auth/choose.
// A launch out of a record is approved at once, for the clinician is signed in there and the patient is open.

import { escape, html, redirect } from "./answers.mjs";
import { supported } from "./scopes.mjs";
import { choices, clients, codes, launches, repository, unguessable } from "./state.mjs";

const refused = (why) => html(400, "Refused", `<h1>Refused</h1><p>${escape(why)}</p>`);

/** GET /auth/authorize: back to the client with a code or an error; a page where that would send it to a stranger. */
export async function authorize({ url, issuer }) {
  const { searchParams } = url;
  const client = clients.get(searchParams.get("client_id"));
  const redirectUri = searchParams.get("redirect_uri");
  if (client === undefined) return refused("No such client is registered");
  if (!client.redirect_uris.includes(redirectUri)) return refused("The redirect_uri is not the one registered");

  const asked = Object.fromEntries(searchParams);
  const error = problem(asked, issuer);
  if (error !== undefined) return back(asked, error);

  const scopes = asked.scope.split(" ").filter(Boolean);
  if (asked.launch === undefined && scopes.includes("launch/patient")) return choose(asked);
  const launch = launches.get(asked.launch) ?? { patient: null, need_patient_banner: null, granted_scope: null };
  return back(asked, { code: code(asked, launch) });
}

/** What is wrong with a request, as the parameters of the answer that says so (RFC 6749, 4.1.2.1). */
function problem(asked, issuer) {
  const invalid = (why) => ({ error: "invalid_request", error_description: why });
  const scopes = (asked.scope ?? "").split(" ");
  if (asked.response_type !== "code") return { error: "unsupported_response_type" };
  if (!asked.state) return invalid("There is no state");
  if (asked.aud !== issuer) return invalid("aud is not this server");
  if (asked.code_challenge_method !== "S256") return invalid("code_challenge_method is not S256");
  if (!/^[\w-]{43}$/.test(asked.code_challenge ?? "")) return invalid("code_challenge is no SHA-256");
  if (supported(scopes).length === 0) return { error: "invalid_scope" };
  if (asked.launch !== undefined && !launches.has(asked.launch)) return invalid("No such launch is known");
  if ((asked.launch !== undefined) !== scopes.includes("launch")) return invalid("launch and its scope go together");
  return undefined;
}

/** Back to the client, with the state that it sent. */
function back({ redirect_uri: redirectUri, state }, parameters) {
  const target = new URL(redirectUri);
  for (const [name, value] of Object.entries(parameters)) target.searchParams.append(name, value);
  if (state) target.searchParams.append("state", state);
  return redirect(target.href);
}

function code(asked, { patient, encounter, need_patient_banner: banner, granted_scope: override }) {
  const value = unguessable();
  const known = supported(asked.scope.split(" ")).join(" ");
  const scope = override ?? clients.get(asked.client_id).granted_scope ?? known;
  codes.set(value, { asked, scope, patient, encounter, banner, used: false, token: null });
  return value;
}

/** A page that asks for the patient; its buttons carry the names. */
async function choose(asked) {
  const { entry = [] } = await repository.search({ resourceType: "Patient" });
  const id = unguessable();
  choices.set(id, asked);
  const buttons = entry.map(({ resource }) => button(resource.id, name(resource)));
  const form = `<form method="post" action="/auth/choose">
    <input type="hidden" name="request" value="${id}">
    ${buttons.join("\n")}
    <p><button name="refuse" value="yes">Refuse</button></p></form>`;
  return html(200, "Which patient?", `<h1>Which patient?</h1>${form}`);
}

const button = (id, text) => `<p><button name="patient" value="${escape(id)}">${escape(text)}</button></p>`;

const name = ({ id, name: [first] = [{}] }) => first.text ?? [...(first.given ?? []), first.family ?? id].join(" ");

/** POST /auth/choose: what that page sends. */
export async function chosen({ body }) {
  const form = new URLSearchParams(body);
  const id = form.get("request");
  const asked = choices.get(id);
  if (asked === undefined) return refused("No such request waits for a patient");
  choices.delete(id);
  if (form.has("refuse")) return back(asked, { error: "access_denied" });
  const launch = { patient: form.get("patient"), need_patient_banner: true, granted_scope: null };
  return back(asked, { code: code(asked, launch) });
}
