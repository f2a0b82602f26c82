// What can be answered: {status, headers, body}. Handlers return one; only record.mjs writes to a connection.

export const json = (status, value, headers = {}) => ({
  status,
  headers: { "content-type": "application/json", "cache-control": "no-store", ...headers },
  body: JSON.stringify(value),
});

export const fhir = (status, resource, headers = {}) =>
  json(status, resource, { "content-type": "application/fhir+json; charset=utf-8", ...headers });

/** A refusal as FHIR says it. */
export const outcome = (status, code, diagnostics, headers = {}) =>
  fhir(status, { resourceType: "OperationOutcome", issue: [{ severity: "error", code, diagnostics }] }, headers);

export const redirect = (location) => ({ status: 303, headers: { location, "cache-control": "no-store" }, body: "" });

export const html = (status, title, body) => ({
  status,
  headers: { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" },
  body: `<!doctype html><html lang="en"><meta charset="utf-8"><title>${escape(title)}</title>${body}</html>`,
});

export const escape = (text) =>
  String(text).replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);
