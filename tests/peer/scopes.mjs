// SMART scopes on the data of one patient: patient/TYPE.ACTIONS with the actions c, r, u, d and s of version 2, or with
// read, write and * of version 1.

const FIRST_VERSION = { read: "rs", write: "cud", "*": "cruds" };
const CLINICAL = /^patient\/(\*|[A-Z][A-Za-z]*)\.(read|write|\*|(?=[cruds])c?r?u?d?s?)$/;
const OTHERS = new Set(["openid", "fhirUser", "launch", "launch/patient"]);

/** Whether these scopes allow the action, one letter, on resources of the type. */
export function allows(scopes, type, action) {
  return scopes.some((scope) => {
    const [, scoped, actions] = CLINICAL.exec(scope) ?? [];
    return (scoped === "*" || scoped === type) && (FIRST_VERSION[actions] ?? actions).includes(action);
  });
}

/** The scopes of those asked for that this server knows; each stands for itself. */
export const supported = (asked) => asked.filter((scope) => OTHERS.has(scope) || CLINICAL.test(scope));

export const SUPPORTED = [...OTHERS, "patient/*.cruds", "patient/*.rs", "patient/*.read", "patient/*.write"];
