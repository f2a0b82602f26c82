// A search of the record: the parameters checked, the patient's own resources found, and the result cut into pages that
// are reached by links alone, as in the servers of hospitals.

import { fhir, outcome } from "./answers.mjs";
import { belongsTo, searchParameter } from "./definitions.mjs";
import { pages, unguessable } from "./state.mjs";

const USUAL = 20;
const MOST = 100;

/** The parameters, in the form in which Medplum's repository matches them, and those that the type does not have. */
export function readable(type, query, patient, inPlaceOf) {
  const asked = new URLSearchParams();
  const unknown = [];
  let count = USUAL;
  for (const [key, value] of query) {
    const parameter = searchParameter(type, key.split(":")[0]);
    if (key === "_count") count = Math.min(Math.max(Number.parseInt(value, 10) || USUAL, 1), MOST);
    else if (key === "_sort") asked.append(key, value);
    else if (parameter !== undefined) asked.append(key, key === "patient" ? references(value) : value);
    else if (key !== "_format") unknown.push(key);
  }
  return { asked, unknown, count };

  // Medplum compares references as they are written: patient=ID finds nothing, patient=Patient/ID does.
  function references(value) {
    const ids = value.split(",").map((id) => id.replace(/^Patient\//, ""));
    return ids.map((id) => `Patient/${id === inPlaceOf ? patient : id}`).join(",");
  }
}

/** The first page of what was found, in so far as it is the patient's. */
export function firstPage(exchange, { bundle, patient, count, token }) {
  const all = (bundle.entry ?? []).map(({ resource }) => resource);
  let found = all.filter((resource) => belongsTo(patient, resource));
  const many = exchange.struck.get("many");
  if (many !== undefined && found.length > 0) {
    found = Array.from({ length: many }, (_, i) => ({ ...found[i % found.length], id: copyId(found, i) }));
  }
  const id = unguessable();
  pages.set(id, { found, token });
  const elsewhere = exchange.struck.get("next_link");
  return page(exchange, { id, found, offset: 0, count, self: exchange.url.href, elsewhere });
}

const copyId = (found, i) => (i < found.length ? found[i].id : `${found[i % found.length].id}-${i}`);

/** A further page, for whoever was given the first. */
export function furtherPage(exchange, token) {
  const { searchParams } = exchange.url;
  const [id, offset, count] = ["_getpages", "_offset", "_count"].map((name) => searchParams.get(name));
  const result = pages.get(id);
  if (result === undefined) return outcome(410, "not-found", "There is no such page any more");
  if (result.token !== token) return outcome(403, "forbidden", "These pages are somebody else's");
  const place = { id, found: result.found, offset: Number(offset), count: Number(count) };
  return page(exchange, { ...place, self: exchange.url.href });
}

function page({ issuer }, { id, found, offset, count, self, elsewhere }) {
  const shown = found.slice(offset, offset + count);
  const link = [{ relation: "self", url: self }];
  const after = offset + count;
  const next = `${issuer}?_getpages=${id}&_offset=${after}&_count=${count}`;
  if (after < found.length || elsewhere) link.push({ relation: "next", url: elsewhere ?? next });
  const entry = shown.map((resource) => ({
    fullUrl: `${issuer}/${resource.resourceType}/${resource.id}`,
    resource,
    search: { mode: "match" },
  }));
  const bundle = { resourceType: "Bundle", id, type: "searchset", total: found.length, link };
  return fhir(200, entry.length > 0 ? { ...bundle, entry } : bundle);
}
