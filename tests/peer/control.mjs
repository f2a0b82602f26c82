// What the tests ask of the server itself, past every gate: POST /control/VERB with JSON, answered by JSON.

import { json } from "./answers.mjs";
import { KINDS } from "./faults.mjs";
import { clients, created, faults, launches, repository, requests, reset, tokens } from "./state.mjs";

const VERBS = {
  client: (client) => void clients.set(client.client_id, client),
  launch: (launch) => void launches.set(launch.id, launch),
  async put({ resources }) {
    for (const resource of resources) await repository.updateResource(resource);
  },
  read: async ({ reference }) => repository.readReference({ reference }),
  created: () => created,
  fault(fault) {
    if (!KINDS.has(fault.kind)) throw new Error(`There is no fault ${fault.kind}`);
    faults.push(fault);
  },
  "no-faults": () => void (faults.length = 0),
  end({ why }) {
    for (const token of tokens.values()) token.ended ??= why;
  },
  requests: () => requests,
  reset,
};

export async function control({ body }, verb) {
  const act = VERBS[verb];
  if (act === undefined) return json(404, { problem: `There is no ${verb}` });
  try {
    return json(200, (await act(JSON.parse(body))) ?? null);
  } catch (error) {
    return json(400, { problem: error.message });
  }
}
