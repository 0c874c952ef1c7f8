/** Short enough to be a word by chance: hiding it would hide words. */
const shortestSecret = 6;

export interface Redactor {
  /** `text` without any secret: those it knows, bearer tokens, and passwords in URLs. */
  readonly redact: (text: string) => string;
  readonly hide: (secret: string | undefined) => void;
}

export function createRedactor(): Redactor {
  const secrets = new Set<string>();
  return {
    redact(text) {
      let safe = text;
      for (const secret of secrets) safe = safe.replaceAll(secret, '***');
      return safe
        .replaceAll(/(\bbearer\s+)[^\s"']+/gi, '$1***')
        .replaceAll(/(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]*:)[^\s@/]+@/gi, '$1***@');
    },
    hide(secret) {
      if (secret === undefined || secret.length < shortestSecret) return;
      secrets.add(secret);
      secrets.add(encodeURIComponent(secret));
    },
  };
}
