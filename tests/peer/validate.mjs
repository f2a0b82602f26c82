// Two validators: resources come in on standard input, one on a line, and what each says of them goes out likewise.
//
// The package fhir knows which codes may stand where one of a list must, and no rules; Medplum knows rules, and no codes.
// Neither knows more of an extension than its form.

import { createInterface } from "node:readline";

import { problemsOf } from "./definitions.mjs";
import { load } from "./packages.mjs";

const { Fhir } = load("fhir");

const validator = new Fhir();

function problemsByFhir(resource) {
  const { messages } = validator.validate(resource, { errorOnUnexpected: true });
  const grave = messages.filter(({ severity }) => severity === "error" || severity === "fatal");
  return grave.map(({ location, message }) => (location ? `${location}: ${message}` : message));
}

for await (const line of createInterface({ input: process.stdin })) {
  const resource = JSON.parse(line);
  console.log(JSON.stringify({ fhir: problemsByFhir(resource), medplum: problemsOf(resource) }));
}
