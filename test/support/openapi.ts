/** Holds the daemon to its own OpenAPI document: every answer must be one that the document foresees. */
import assert from 'node:assert/strict';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { Answer, ApiOptions, TestHost } from './daemon.ts';

interface Operation {
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: object }>> }>
  >;
  readonly security?: readonly object[];
  readonly summary?: string;
}

export interface OpenApi {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

const documentId = 'openapi.json';

export class Contract {
  readonly document: OpenApi;
  readonly #ajv: Ajv2020;

  constructor(document: OpenApi) {
    this.document = document;
    this.#ajv = new Ajv2020({ strict: false, allErrors: true });
    addFormats.default(this.#ajv);
    this.#ajv.addSchema(document, documentId);
  }

  /** Asks, and checks the answer. */
  async api<T = unknown>(
    host: TestHost,
    method: string,
    path: string,
    options?: ApiOptions,
  ): Promise<Answer<T>> {
    const answer = await host.api<T>(method, path, options);
    this.check(method, path, answer);
    return answer;
  }

  /** Whether the document describes such a call. */
  knows(method: string, path: string): boolean {
    const template = this.#templateOf(path);
    return template !== undefined && this.document.paths[template]?.[method.toLowerCase()] !== undefined;
  }

  check(method: string, path: string, { status, headers, body, text }: Answer): void {
    const template = this.#templateOf(path);
    const operation =
      template === undefined ? undefined : this.document.paths[template]?.[method.toLowerCase()];
    if (template === undefined || !operation) {
      assert.equal(status, template === undefined ? 404 : 405, `${method} ${path} is not in the document`);
      this.#validate(this.#validator('/components/schemas/Error'), body);
      return;
    }
    const response = operation.responses[String(status)];
    assert.ok(
      response,
      `${method} ${template} answered ${String(status)}, which is not in the document: ${text}`,
    );
    if (!response.content) {
      assert.equal(text, '');
      return;
    }
    const type = (headers.get('content-type') ?? '').split(';')[0] ?? '';
    assert.ok(type in response.content, `${method} ${template} answered ${type}`);
    const pointer = [
      'paths',
      template,
      method.toLowerCase(),
      'responses',
      String(status),
      'content',
      type,
      'schema',
    ];
    const escaped = pointer
      .map((part) => part.replaceAll('~', '~0').replaceAll('/', '~1'))
      .map(encodeURIComponent);
    this.#validate(this.#validator(`/${escaped.join('/')}`), type === 'application/json' ? body : text);
  }

  #validator(pointer: string): ValidateFunction {
    const validate = this.#ajv.getSchema(`${documentId}#${pointer}`);
    assert.ok(validate, pointer);
    return validate;
  }

  #validate(validate: ValidateFunction, value: unknown): void {
    assert.ok(validate(value), `${this.#ajv.errorsText(validate.errors)}: ${JSON.stringify(value)}`);
  }

  #templateOf(path: string): string | undefined {
    const parts = (path.split('?')[0] ?? '').split('/');
    const fits = Object.keys(this.document.paths).filter((template) => {
      const names = template.split('/');
      return (
        names.length === parts.length &&
        names.every((name, index) => name === parts[index] || (name.startsWith('{') && parts[index] !== ''))
      );
    });
    return fits.find((template) => !template.includes('{')) ?? fits[0];
  }
}
