import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export interface Certificate {
  /** PEM files. */
  readonly cert: string;
  readonly key: string;
}

/** A certificate authority made for one test file. */
export interface Authority {
  readonly cert: string;
  issue(name: string, subjectAltName?: string): Certificate;
  remove(): void;
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** Needs the openssl command: Node can read certificates but not make them. */
export function authority(): Authority {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'keyward-ca-'));
  const file = (name: string) => path.join(dir, name);
  writeFileSync(file('openssl.cnf'), '[req]\ndistinguished_name=dn\n[dn]\n');
  const make = (name: string, extensions: readonly string[], signer: readonly string[]) => {
    const files = { cert: file(`${name}.crt`), key: file(`${name}.key`) };
    const added = extensions.flatMap((extension) => ['-addext', extension]);
    execFileSync(
      'openssl',
      // biome-ignore format: one option and its value after the other
      ['req', '-x509', '-config', file('openssl.cnf'), ...NEW_KEY, '-days', '2', '-subj', `/CN=${name}`,
        '-keyout', files.key, '-out', files.cert, ...added, ...signer],
      { stdio: 'pipe' },
    );
    return files;
  };
  const ca = make('ca', ['basicConstraints=critical,CA:TRUE', 'keyUsage=keyCertSign'], []);
  return {
    cert: ca.cert,
    issue: (name, subjectAltName = 'DNS:localhost,IP:127.0.0.1') =>
      make(name, [`subjectAltName=${subjectAltName}`], ['-CA', ca.cert, '-CAkey', ca.key]),
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}
