// The clinician's screen in the record, /ehr/LAUNCH: it opens an application in a frame or, with ?window, in its place.

import { escape, html } from "./answers.mjs";
import { launches } from "./state.mjs";

// What a frame in athenahealth's portal may do, less what would let it out of the frame.
const SANDBOX = "allow-forms allow-scripts allow-same-origin allow-downloads allow-modals";

export function portal({ url, issuer }, id) {
  const launch = launches.get(id);
  if (launch === undefined) return html(404, "Nothing here", "<h1>Nothing here</h1>");
  const target = new URL(`${launch.app}/launch`);
  target.search = new URLSearchParams({ iss: issuer, launch: id });
  const address = escape(target.href);
  const opened = url.searchParams.has("window")
    ? `<p><a href="${address}" target="_top">Open the application</a></p>`
    : `<iframe title="Application" src="${address}" sandbox="${SANDBOX}" width="1000" height="900"></iframe>`;
  return html(200, "Record", `<h1>Record of ${escape(launch.patient)}</h1>${opened}`);
}
