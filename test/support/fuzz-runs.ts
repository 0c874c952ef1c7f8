/** How often a property is tried: `usual` times, or as often as MYAAS_FUZZ_RUNS says. */
export const fuzzRuns = (usual: number): { readonly numRuns: number } => ({
  numRuns: Number(process.env['MYAAS_FUZZ_RUNS'] ?? usual),
});
