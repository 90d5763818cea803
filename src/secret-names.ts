/** Which names are those of secrets: of settings, parameters, variables and flags. */

/** A word that makes the name it stands in secret, unless the word right beside it says otherwise. */
interface SecretWord {
  readonly word: string;
  /** Also at the end of a longer word: PGPASSWORD, authtoken. Not for what ordinary words end with: bypass, format. */
  readonly glued?: true;
  /** Right before it: no secret. */
  readonly harmlessAfter?: readonly string[];
  /** Right behind it: no secret, as the words of ABOUT. */
  readonly harmlessBefore?: readonly string[];
  /** Right behind it: a secret all the same, whatever ABOUT says. */
  readonly still?: readonly string[];
}

/** In language models a token is a piece of text. */
const TEXT_TOKEN: Omit<SecretWord, "word"> = {
  harmlessAfter: words(
    "pad eos bos cls sep mask unk special stop new input output prompt completion generated cached reasoning context",
    "start end sub tik idempotency",
  ),
  harmlessBefore: words(
    "embedding embeddings dim dropout level position positions weight weights overlap window chunk chunks probs",
  ),
};

/** One run over the data. */
const ONE_PASS: Omit<SecretWord, "word"> = {
  harmlessAfter: words("first second third final single multi one two each forward backward high low band by per fast"),
  harmlessBefore: words("through rate ratio threshold fail mark criteria on over band number k"),
};

const SECRET_WORDS: readonly SecretWord[] = [
  ...words("password passwd passphrase passcode pwd credential authorization").map(
    (word): SecretWord => ({ word, glued: true }),
  ),
  { word: "secret", glued: true, still: ["id", "ids"] },
  { word: "token", glued: true, ...TEXT_TOKEN },
  // the address is the secret
  {
    word: "webhook",
    glued: true,
    harmlessBefore: ["notification", "notifications"],
    still: words("url urls uri endpoint path"),
  },
  { word: "sas", still: words("url urls uri") },
  { word: "pass", ...ONE_PASS },
  ...words("pat cred auth bearer cookie").map((word): SecretWord => ({ word })),
];

/** A key that opens something is a secret; every other one names a column, a task, a partition. */
const SECRET_KEYS = words(
  "access account admin aes api app auth client consumer crypto decryption deploy deployment encryption function",
  "functions gpg hmac licence license master pgp private rsa sas secret shared signing ssh ssl storage subscription tls",
  "anthropic aws azure cohere gcp gemini github gitlab google huggingface mistral openai pinecone sendgrid slack stripe",
  "twilio wandb",
);

/** Other words that are a secret only together. */
const SECRET_PAIRS: readonly (readonly [string, string])[] = [
  ["connection", "string"],
  ["conn", "string"],
  ["conn", "str"],
  ["pin", "code"],
  // glued, since ordinary words end with it: compass
  ...words("admin db ftp my pg root smtp sql user").map((user): [string, string] => [user, "pass"]),
];

/** Behind these names stands that of a storage account, in words of anybody's choice. */
const OF_AN_ACCOUNT = /(fs\.azure\.(?:account\.key|account\.oauth2\.client\.secret|sas(?:\.fixed\.token)?))\..*/;

/** Right behind a secret word: the name tells something about a secret, and does not hold it. */
const ABOUT = words(
  "age algorithm arn audience budget classification col cols column columns count counts days enabled endpoint",
  "expiration expired expires expiry field fields file files format hours id ids issuer len length lifetime limit limits",
  "manager method minutes mode ms name names path pattern per policy provider rate required rotated rotation scheme scope",
  "scopes seconds size store ttl type types uri url urls usage vault version",
);

/** Right before a secret word that counts them: max_tokens, num_passwords. */
const QUANTITY = words("avg count limit max mean min n num number total");

/** Answers by name: the settings of a hundred jobs have few names, and each is asked about at every value it holds. */
const judged = new Map<string, boolean>();
/** Names come from outside, and need not be few. */
const KEPT = 10_000;

/** True if what has this name is a secret, as long as its value does not say otherwise. */
export function isSecretName(name: string): boolean {
  const known = judged.get(name);
  if (known !== undefined) return known;
  if (judged.size >= KEPT) judged.clear();
  const secret = judgeName(name);
  judged.set(name, secret);
  return secret;
}

function judgeName(name: string): boolean {
  const found = wordsOf(name.replace(OF_AN_ACCOUNT, "$1"));
  return found.some((word, at) => {
    const before = found[at - 1];
    const after = found[at + 1];
    if (isSecretKey(word, before)) return !ABOUT.includes(after ?? "") && !counted(word, found[at - 2]);
    if (SECRET_PAIRS.some(([first, second]) => (before === first && word === second) || word === first + second)) {
      return !ABOUT.includes(after ?? "");
    }
    const secret = SECRET_WORDS.find((each) => matches(each, word));
    if (secret === undefined) return false;
    const rest = word.replace(/s?\d*$/, "").slice(0, -secret.word.length);
    const left = secret.glued === true && rest !== "" ? rest : (before ?? "");
    if (secret.harmlessAfter?.includes(left) === true || counted(word, left)) return false;
    if (after === undefined || secret.still?.includes(after) === true) return true;
    return !ABOUT.includes(after) && secret.harmlessBefore?.includes(after) !== true;
  });
}

function isSecretKey(word: string, before: string | undefined): boolean {
  const [, prefix] = /^(.*)keys?\d*$/.exec(word) ?? [];
  if (prefix === undefined) return false;
  if (prefix === "") return before !== undefined && SECRET_KEYS.includes(before);
  return SECRET_KEYS.some((kind) => prefix.endsWith(kind));
}

function matches({ word, glued }: SecretWord, found: string): boolean {
  const bare = found.replace(/\d+$/, "");
  const forms = [word, `${word}s`];
  return forms.includes(bare) || (glued === true && forms.some((form) => bare.endsWith(form)));
}

/** Many of them are counted, or the one thing that every language model has. */
function counted(word: string, before: string | undefined): boolean {
  return before !== undefined && QUANTITY.includes(before) && /s$|token$/.test(word);
}

/** The words of a name, in lower case: clientSecret, CLIENT_SECRET, client.secret and client-secret are the same two. */
function wordsOf(name: string): string[] {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replaceAll(/([A-Z])([A-Z][a-z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== "");
}

function words(...lines: readonly string[]): string[] {
  return lines.join(" ").split(" ");
}
