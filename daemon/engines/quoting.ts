/** A name in backticks. */
export const quoteName = (name: string): string => `\`${name.replaceAll('`', '``')}\``;
/** A string literal that is right under every sql_mode. */
export const quoteText = (text: string): string => `'${text.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`;
