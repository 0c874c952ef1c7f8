import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import {
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
  type JsonGeneralNames,
} from '@peculiar/x509';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const lifetimeYears = 20;

/**
 * A self-signed certificate for TLS between client and server. Clients that verify do it by the password (MariaDB
 * 11.4 and newer), or trust it as it is; nobody has to know who signed it. An elliptic curve, since RSA keys take
 * a server longer to load and to use. `names` are those of the host, for clients that compare them.
 */
export async function makeCertificate(
  names: JsonGeneralNames = [],
): Promise<{ certificatePem: string; privateKeyPem: string }> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const notBefore = new Date();
  const notAfter = new Date(notBefore);
  notAfter.setFullYear(notAfter.getFullYear() + lifetimeYears);
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      name: 'CN=MyAAS instance',
      notBefore,
      notAfter,
      signingAlgorithm: algorithm,
      keys,
      ...(names.length > 0 && { extensions: [new SubjectAlternativeNameExtension(names)] }),
    },
    webcrypto,
  );
  const privateKey = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  const base64 = privateKey
    .toString('base64')
    .replace(/(.{64})/g, '$1\n')
    .trimEnd();
  return {
    certificatePem: certificate.toString('pem'),
    privateKeyPem: `-----BEGIN PRIVATE KEY-----\n${base64}\n-----END PRIVATE KEY-----\n`,
  };
}
