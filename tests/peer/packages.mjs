// The packages stand in build/peer, where "make .venv/peer" puts them. An import statement looks only in the folders
// above the file that it stands in; a require function looks where it is told to.

import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

export const FOLDER = new URL("../../build/peer/", import.meta.url);

/** The file in build/peer that this name names. */
export const inFolder = (name) => fileURLToPath(new URL(name, FOLDER));

export const load = createRequire(new URL("package.json", FOLDER));
