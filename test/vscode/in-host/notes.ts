/** Figures that the suite measures by the way, for the report. */
export const notes: string[] = [];
