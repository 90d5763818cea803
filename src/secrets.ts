/**
 * What counts as a secret when settings are shown: by the name of what holds it, or by its own look. A secret does not
 * belong in a bundle, but one that is there must not reach a summary. In doubt a value is hidden: a hidden number
 * costs an approver a look into the repository, a shown password costs a rotation. `{{secrets/scope/key}}` only refers
 * to a secret, and stays.
 */
import { isArray, isObject, type JsonArray, type JsonObject, type JsonValue, parseJson } from "./json.ts";
import { isSecretName } from "./secret-names.ts";

/** Values that are a secret by themselves, whatever holds them. */
const SECRET_VALUES: readonly RegExp[] = [
  // Databricks
  /\b(?:dapi|dose|dkea)[0-9a-f]{24,}/,
  // AWS, Azure, Google
  /\bA(?:KIA|SIA)[0-9A-Z]{16}\b/,
  /(?<![\w+/-])[A-Za-z0-9+/]{86}==/,
  /\b\w{3}8Q~[\w~.-]{31,}/,
  /\bAIza[\w-]{35}/,
  /\b(?:ya29\.|GOCSPX-)[\w-]{20,}/,
  // GitHub, GitLab, npm, PyPI, Hugging Face
  /\bgh[pousr]_[A-Za-z0-9]{20,}/,
  /\bgithub_pat_\w{20,}/,
  /\bglpat-[\w-]{20,}/,
  /\bnpm_[A-Za-z0-9]{30,}/,
  /\bpypi-AgE[\w-]{20,}/,
  /\bhf_[A-Za-z0-9]{30,}/,
  // OpenAI, Anthropic, Stripe, SendGrid
  /\bsk-(?=[\w-]*\d)[\w-]{20,}/,
  /\b[rs]k_(?:live|test)_[A-Za-z0-9]{10,}/,
  /\bSG\.[\w-]{16,}\.[\w-]{16,}/,
  // chats: who knows the address may write
  /\bxox[abeprs]-[\w-]{10,}/,
  /\bhooks\.slack\.com\/(?:services|workflows|triggers)\/\w/,
  /\bwebhook\.office\.com\/\w/,
  /\bdiscord(?:app)?\.com\/api\/webhooks\/\w/,
  // what signs, proves or decrypts
  /\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\./,
  /-----BEGIN [A-Z ]*PRIVATE KEY/,
  /\bAGE-SECRET-KEY-1/,
  // what is sent along with a request
  /\b(?:Bearer|Basic)\s+(?=\S*\d)[\w.~+/=-]{8,}/i,
  /[?&](?:sig|signature|key)=[^&\s]{8,}/i,
  // a user in an address, with a password or, where it is no container or repository, instead of one
  /:\/\/[^/\s:@]*:[^/\s@]+@/,
  /\bhttps?:\/\/[^/\s:@]+@/i,
];

/** What the service or the suite replaces: it refers to a value, and is none. */
const REFERENCE =
  /\{\{\s*(?:secrets\/|job\.|tasks\.|task\.|input\b|workspace\.|backfill\.)[^{}]*\}\}|\$\{(?:principal|release|resources\.[\w.-]+)\}/g;

/** Nothing that somebody could use: what a switch is set to, or the word that announces a secret. */
const PLAIN = /^(?:true|false|null|none|bearer|basic)$/i;

/** A value in a text beside its name. Each shows the name first, the beginning of the value second. */
const ASSIGNMENTS: readonly RegExp[] = [
  // token=…, --token=…, ;Password=…
  /(?<![\w.-])-{0,2}([A-Za-z_][\w.-]*)[ \t]{0,9}=(?!=)[ \t]{0,9}(?=["']?([^\s"'&;,]+))/g,
  // "token": …
  /["']([A-Za-z_][\w.-]*)["'][ \t]{0,9}:\s{0,9}(?=["']?([^\s"',}]+))/g,
  // a line `token: …`, a header `Authorization: …`
  /(?:^|[\n{,;"'])[ \t]{0,40}([A-Za-z_][\w.-]*):[ \t]{1,40}(?=["']?([^\s"']+))/g,
  // --token …
  /(?<!\S)--?([A-Za-z_][\w.-]*)[ \t]{1,9}(?=["']?([^\s"'-][^\s"']*))/g,
];

/** What is shown instead. */
export const MASK = "***";

/** Who holds a value: its own name, and whether that or a name above it is secret. */
export interface Holder {
  readonly name: string;
  readonly secret: boolean;
  /** A number under this name counts tokens of a text. */
  readonly counts: boolean;
}

/** What nothing is known of. */
export const UNNAMED: Holder = { name: "", secret: false, counts: false };

/** What stands under `name` in what `holder` holds: all that is in a secret is one. */
export function heldBy(holder: Holder, name: string): Holder {
  const secret = isSecretName(name) || isSecretName(`${holder.name}.${name}`);
  return {
    name,
    secret: holder.secret || secret,
    counts: !holder.secret && /^tokens$/i.test(name),
  };
}

/** Fields that hold the value of what another field of the same object names: { name: api_token, default: … }. */
export const VALUE_FIELDS: readonly string[] = ["default", "value", "values"];
const NAME_FIELDS = ["name", "key", "header", "parameter", "variable"];

/** Who holds a field of an object. */
export function heldByField(holder: Holder, object: JsonObject, field: string): Holder {
  const names = NAME_FIELDS.flatMap((each) => (typeof object[each] === "string" ? [object[each]] : []));
  return VALUE_FIELDS.includes(field) && names.length > 0 ? names.reduce(heldBy, holder) : heldBy(holder, field);
}

/** Who holds an item of a list: it may be what the flag before it announces, such as `--password`. */
export function heldByItem(holder: Holder, list: JsonArray, at: number): Holder {
  const [flag, item] = [list[at - 1], list[at]];
  if (typeof flag !== "string" || !/^--?[A-Za-z][\w.-]*$/.test(flag)) return holder;
  return typeof item === "string" && item.startsWith("--") ? holder : heldBy(holder, flag);
}

/** A value with every secret in it replaced by what `hide` gives for it; all else, and its form, is as it was. */
export function hideSecrets(
  value: JsonValue,
  holder: Holder,
  hide: (secret: string | number | bigint) => string,
): JsonValue {
  if (typeof value === "string") return isSecret(value, holder) ? hide(value) : value;
  if (typeof value === "number" || typeof value === "bigint") {
    return holder.secret && !holder.counts ? hide(value) : value;
  }
  if (isArray(value)) return value.map((item, at) => hideSecrets(item, heldByItem(holder, value, at), hide));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([field, inner]) => [field, hideSecrets(inner, heldByField(holder, value, field), hide)]),
  );
}

function isSecret(text: string, holder: Holder): boolean {
  const own = text.replaceAll(REFERENCE, "").trim();
  if (own === "") return false;
  if (holder.secret) return !isPlain(own, holder);
  return SECRET_VALUES.some((pattern) => pattern.test(own)) || holdsSecret(text.replaceAll(REFERENCE, '""'));
}

function isPlain(text: string, { counts }: Pick<Holder, "counts">): boolean {
  return PLAIN.test(text) || (counts && /^\d+$/.test(text));
}

/** A secret inside a text: in a document that it is, or beside its name. */
function holdsSecret(text: string): boolean {
  if (/^[[{]/.test(text)) {
    const inner = jsonOf(text);
    if (inner !== undefined) {
      let found = false;
      hideSecrets(inner, UNNAMED, () => {
        found = true;
        return "";
      });
      return found;
    }
  }
  return ASSIGNMENTS.some((form) =>
    [...text.matchAll(form)].some(([, name = "", value = ""]) => {
      const holder = heldBy(UNNAMED, name);
      return holder.secret && !isPlain(value, holder);
    }),
  );
}

function jsonOf(text: string): JsonValue | undefined {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}
