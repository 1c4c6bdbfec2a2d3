/** Secrets that stand in tutorials, templates and documentation. */
const PLACEHOLDERS =
  /^(secret(key)?|jwt_?secret(_?key)?|my_?(super_?)?secret(_?key)?|change[_-]?(me|it|this).*|replace[_-]?me.*|password|passw0rd|default|test|example|your.*(secret|key).*|a-string-secret-at-least-\d+-bits-long.*|supersecret.*|do_?not_?use.*|topsecret.*|s3cr3t.*|0?1234567890.*)$/i;

/** Whether a secret stands in tutorials, or repeats itself. */
export function isPlaceholder(bytes: Buffer): boolean {
  // One character a byte: as UTF-8, random bytes would turn into a row of replacement characters.
  const text = bytes.toString('latin1').trim();
  const isRepetition = /^([\s\S]{1,20}?)\1+$/.test(text);
  return PLACEHOLDERS.test(text) || isRepetition || (bytes.length > 1 && new Set(bytes).size < 5);
}
