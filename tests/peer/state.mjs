// Everything that the record and its authorization server remember. It lives as long as the process, or until a test
// has it forgotten.

import { randomBytes } from "node:crypto";

import { load } from "./packages.mjs";

const { MemoryRepository } = load("@medplum/fhir-router");

export const repository = new MemoryRepository();

export const clients = new Map(); // by client_id: {redirect_uris, auth, secret, jwk, granted_scope}
export const launches = new Map(); // by launch id: {id, patient, encounter, need_patient_banner, granted_scope, app}
export const choices = new Map(); // authorize requests that wait for a patient to be picked, by a number of their own
export const codes = new Map(); // authorization codes: what they were given for
export const tokens = new Map(); // access tokens: {scopes, patient, ended}
export const assertions = new Set(); // the jti of each client assertion that was taken
export const pages = new Map(); // search results that have further pages, by a number of their own
export const created = []; // what came in through the gateway, in order
export const faults = []; // what is to go wrong
export const requests = []; // what was asked, in order

/** Forget all of it; what was signed with a key before is still signed with that key. */
export function reset() {
  repository.clear();
  for (const memory of [clients, launches, choices, codes, tokens, assertions, pages]) memory.clear();
  for (const list of [created, faults, requests]) list.length = 0;
}

/** A value that nobody can guess. */
export const unguessable = () => randomBytes(24).toString("base64url");
