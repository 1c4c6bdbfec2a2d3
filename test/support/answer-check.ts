import { type INestApplication, RequestMethod } from '@nestjs/common';
import addFormats from 'ajv-formats';
import Ajv, { type ValidateFunction } from 'ajv/dist/2020';
import { MetadataController } from '../../lib/routes/well-known.controller';
import { describeJwtKnox } from '../../lib/swagger';
import { mountedModules } from '../../lib/swagger/mounted-modules';
import type { Answer } from './http-client';

type Part = Record<string, any>;

/** What says which routes there are, and what they answer. */
export interface Contract {
  document: Part;
  /** The routes of the library that are mounted. */
  served: { method: string; path: string }[];
}

export function contractOf(app: INestApplication): Contract {
  const bare = { openapi: '3.0.3', info: { title: 'bare', version: '1' }, paths: {} };
  const modules = mountedModules(app).filter(({ isVerifier }) => !isVerifier);
  const routes = modules
    .flatMap(({ served }) => served.all())
    // Of an issuer without a path of its own, and of one with a long path: one of them is there, the others are 404.
    .filter(({ controller }) => Object.getPrototypeOf(controller) !== MetadataController);
  return {
    document: describeJwtKnox(app, bare),
    served: routes.map(({ method, path }) => ({ method: RequestMethod[method], path })),
  };
}

const ajv = addFormats.default(new Ajv({ strict: false, allErrors: true }));
/** Compiled once for each shape, whichever application has it. */
const compiled = new Map<string, ValidateFunction>();

function validatorOf(schema: Part): ValidateFunction {
  const key = JSON.stringify(schema);
  const known = compiled.get(key);
  if (known) return known;
  const made = ajv.compile(schema);
  compiled.set(key, made);
  return made;
}

interface Route {
  method: string;
  pattern: RegExp;
  /** More literal parts come first. */
  rank: number;
  operation: Part | undefined;
}

/** Compares answers of the library's routes with what the application's document says of them: no member more, none less. */
export class AnswerCheck {
  readonly #document: Part;
  readonly #routes: Route[];

  constructor({ document, served }: Contract) {
    this.#document = document;
    const described = Object.entries(document.paths as Part).flatMap(([path, item]) =>
      Object.entries(item as Part).map(([method, operation]) => routeOf(method.toUpperCase(), path, operation)),
    );
    const mounted = served.map(({ method, path }) => routeOf(method, path.replaceAll(/:(\w+)/g, '{$1}'), undefined));
    this.#routes = [...described, ...mounted].toSorted((one, other) => other.rank - one.rank);
  }

  /** @throws Error that says what the document does not */
  check(method: string, url: string, answer: Answer): void {
    const [path = ''] = url.split('?', 1);
    const asked = method === 'HEAD' ? 'GET' : method;
    const route = this.#routes.find((one) => one.method === asked && one.pattern.test(path));
    if (!route || isOfFramework(answer)) return;
    const problem = route.operation ? this.problemOf(route.operation, answer, method) : 'no such route';
    if (problem === null) return;
    throw new Error(`Not as in the document: ${method} ${path} -> ${answer.status}: ${problem}\n${answer.text}`);
  }

  private problemOf(operation: Part, answer: Answer, method: string): string | null {
    const response = this.resolve(operation.responses[answer.status]);
    if (!response) return `the statuses are ${Object.keys(operation.responses).join(', ')}`;
    // What a limiter of the application answers, it says itself.
    if (answer.status === 429) return null;
    return this.headerProblem(response, answer) ?? (method === 'HEAD' ? null : this.bodyProblem(response, answer));
  }

  private headerProblem({ headers = {} }: Part, answer: Answer): string | null {
    for (const [name, given] of Object.entries(headers as Part)) {
      const value = answer.headers[name.toLowerCase()];
      if (value === undefined && given.required) return `the header ${name} is missing`;
      if (value !== undefined && !validatorOf(given.schema)([value].flat().join(', ')))
        return `the header ${name} is ${String(value)}`;
    }
    return null;
  }

  private bodyProblem({ content }: Part, { text, body, headers }: Answer): string | null {
    if (text === '') return content ? 'the body is missing' : null;
    if (!content) return 'there is a body';
    const [type = ''] = String(headers['content-type']).split(';', 1);
    if (!content[type]) return `the content type is ${type}, not ${Object.keys(content).join(', ')}`;
    const validate = validatorOf(this.strict(content[type].schema));
    return validate(type === 'application/json' ? body : text) ? null : ajv.errorsText(validate.errors);
  }

  private resolve(part: Part | undefined): Part | undefined {
    if (typeof part?.$ref !== 'string') return part;
    const names = part.$ref.split('/').slice(1);
    return names.reduce((found, name) => found[name], this.#document);
  }

  /** A copy in which no object has members that nobody described. @param isBranch one of `allOf`, which others complete */
  private strict(given: Part, isBranch = false): Part {
    const schema = this.resolve(given)!;
    const { properties, items, allOf, anyOf, additionalProperties } = schema;
    const isClosed = !isBranch && (properties || allOf) && additionalProperties === undefined;
    const each = (list: Part[], branch: boolean) => list.map((one) => this.strict(one, branch));
    return {
      ...schema,
      ...(properties && {
        properties: Object.fromEntries(
          Object.entries(properties as Part).map(([name, one]) => [name, this.strict(one)]),
        ),
      }),
      ...(items && { items: this.strict(items) }),
      ...(allOf && { allOf: each(allOf, true) }),
      ...(anyOf && { anyOf: each(anyOf, isBranch) }),
      ...(isClosed && { unevaluatedProperties: false }),
    };
  }
}

/** The words of the frameworks for a path that they take for another one, or cannot read, and for code that failed. */
function isOfFramework({ status, body, text }: Answer): boolean {
  if (status === 404) return /^(?:Cannot|Route) /.test(body?.message ?? '');
  // A page that failed is empty.
  if (status === 500) return text === '' || body?.message === 'Internal server error';
  return status === 414 || body?.code === 'FST_ERR_BAD_URL';
}

/** As Express compares paths: in any case, with a slash at the end or without. */
function routeOf(method: string, path: string, operation: Part | undefined): Route {
  const parts = path.split('/').map((part) => part.replaceAll(/[^\w{}-]/g, '\\$&').replaceAll(/\{\w+\}/g, '[^/]+'));
  const literal = parts.filter((part) => !part.includes('[^/]')).length;
  return {
    method,
    pattern: new RegExp(`^${parts.join('/')}/?$`, 'i'),
    rank: literal + (operation ? 0.5 : 0),
    operation,
  };
}
