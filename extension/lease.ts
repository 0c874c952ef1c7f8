/** Whether the daemon takes `text` as a lease: seconds, or a number with s, m, h, d or w, or "never". */
export function isLease(text: string): boolean {
  const trimmed = text.trim().toLowerCase();
  return (
    trimmed === 'never' || (/^\d+(?:\.\d+)?\s*[smhdw]?$/.test(trimmed) && Number.parseFloat(trimmed) > 0)
  );
}
