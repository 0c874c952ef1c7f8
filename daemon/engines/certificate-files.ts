import type { ServerFile } from './engine.ts';

/** A certificate and its key, as files of these names. */
export async function makeCertificateFiles({
  cert,
  key,
}: {
  readonly cert: string;
  readonly key: string;
}): Promise<ServerFile[]> {
  // Only imports need it, and it is large.
  const { makeCertificate } = await import('./certificate.ts');
  const { certificatePem, privateKeyPem } = await makeCertificate();
  return [
    { name: cert, text: certificatePem },
    { name: key, text: privateKeyPem },
  ];
}
