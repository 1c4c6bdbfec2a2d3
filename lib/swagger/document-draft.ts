/** As much of an OpenAPI document as is read here; `SwaggerModule.createDocument` returns one. */
export interface OpenApiDocument {
  /** `3.0.x` or `3.1.x`. */
  openapi: string;
  paths: Record<string, any>;
  components?: any;
  tags?: any[] | undefined;
}

/** A part of a document: a schema, an operation, an answer. */
export type Part = Readonly<Record<string, any>>;

type Section = 'schemas' | 'responses' | 'securitySchemes';

/** A document under way: the given one stays as it is. Parts are written as OpenAPI 3.0 has them. */
export class DocumentDraft<Document extends OpenApiDocument> {
  readonly #document: Document;
  readonly #paths: Record<string, any>;
  readonly #components: Record<string, any>;
  readonly #tags: any[];
  readonly #ids: Set<string>;
  /** The keys of paths, by what they have in common with others that name their parameters otherwise. */
  readonly #keys: Map<string, string>;

  /** @param prefix what `ignoreGlobalPrefix` leaves out of the document, as a path */
  constructor(
    document: Document,
    private readonly prefix: string,
  ) {
    this.#document = document;
    this.#paths = Object.fromEntries(Object.entries(document.paths).map(([path, item]) => [path, { ...item }]));
    this.#components = { ...document.components };
    this.#tags = [...(document.tags ?? [])];
    const operations = Object.values(this.#paths).flatMap((item) => Object.values(item as object));
    this.#ids = new Set(operations.map((one: any) => one?.operationId).filter(Boolean));
    this.#keys = new Map(Object.keys(document.paths).map((path) => [shapeOf(path), path]));
  }

  /** @returns a reference; where another schema has that name, by another one */
  schema(name: string, schema: Part): Part {
    return { $ref: `#/components/schemas/${this.add('schemas', name, schema)}` };
  }

  response(name: string, response: Part): Part {
    return { $ref: `#/components/responses/${this.add('responses', name, response)}` };
  }

  /** @returns its name */
  securityScheme(name: string, scheme: Part): string {
    return this.add('securitySchemes', name, scheme);
  }

  tag(name: string, description: string): string {
    if (!this.#tags.some((one) => one.name === name)) this.#tags.push({ name, description });
    return name;
  }

  /** The operation of the given document at a path of Nest's, such as `/sessions/:id`. */
  find(method: string, path: string): any {
    const key = this.keyOf(path);
    return key === undefined ? undefined : this.#paths[key][method];
  }

  remove(method: string, path: string): void {
    const key = this.keyOf(path);
    if (key === undefined) return;
    this.#ids.delete(this.#paths[key][method]?.operationId);
    delete this.#paths[key][method];
    if (Object.keys(this.#paths[key]).length > 0) return;
    delete this.#paths[key];
    this.#keys.delete(shapeOf(key));
  }

  /** Puts an operation in place of the one that is there. */
  operation(method: string, path: string, { operationId, ...operation }: Part): void {
    const key = this.keyOf(path) ?? templateOf(path);
    this.remove(method, path);
    this.#keys.set(shapeOf(key), key);
    const id = unused(operationId, (one) => !this.#ids.has(one));
    this.#ids.add(id);
    this.#paths[key] = { ...this.#paths[key], [method]: this.fitted({ operationId: id, ...operation }) };
  }

  /** Changes what an operation of the application says. */
  amend(method: string, path: string, change: (operation: any) => Part): void {
    const key = this.keyOf(path);
    if (key !== undefined && this.#paths[key][method])
      this.#paths[key][method] = this.fitted(change(this.#paths[key][method]));
  }

  finish(): Document {
    return { ...this.#document, paths: this.#paths, components: this.#components, tags: this.#tags };
  }

  /** The key of a path that is served, which the document may have without the global prefix. */
  private keyOf(path: string): string | undefined {
    const bare = this.prefix !== '' && path.startsWith(`${this.prefix}/`) ? path.slice(this.prefix.length) : path;
    return this.#keys.get(shapeOf(path)) ?? this.#keys.get(shapeOf(bare));
  }

  private add(section: Section, name: string, part: Part): string {
    const fitted = this.fitted(part);
    const text = JSON.stringify(fitted);
    const present = { ...this.#components[section] };
    const free = unused(name, (one) => !Object.hasOwn(present, one) || JSON.stringify(present[one]) === text);
    this.#components[section] = { ...present, [free]: fitted };
    return free;
  }

  /** OpenAPI 3.1 has no `nullable`. */
  private fitted(part: Part): Part {
    return /^3\.0\b/.test(this.#document.openapi) ? part : withoutNullable(part);
  }
}

function withoutNullable(part: any): any {
  if (Array.isArray(part)) return part.map(withoutNullable);
  if (typeof part !== 'object' || part === null) return part;
  const { nullable, ...rest } = part;
  const members = Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, withoutNullable(value)]));
  return nullable === true ? { ...members, type: [rest.type, 'null'] } : members;
}

function unused(name: string, isFree: (name: string) => boolean): string {
  for (let count = 1; ; count++) {
    const tried = count === 1 ? name : `${name}_${count}`;
    if (isFree(tried)) return tried;
  }
}

/** Nest's `:id` and `*rest` as OpenAPI writes them. */
export function templateOf(path: string): string {
  return path.replace(/\{?[:*](\w+)(?:\([^)]*\))?\}?\??/g, '{$1}');
}

function shapeOf(path: string): string {
  return templateOf(path).replaceAll(/\{[^}]*\}/g, '{}');
}
