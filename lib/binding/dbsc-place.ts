import { Injectable, RequestMethod } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { ServedRoutes } from '../routes/served-routes';

/** What of the routes below the prefix needs no access token: a browser need not hold it back until it has one. */
const OPEN = ['dbsc', 'login', 'refresh', 'pages/login'];

const OWN = /\/dbsc\/(register|refresh)$/;

/** Where the two routes are served, once the application has said what stands before them. */
@Injectable()
export class DbscPlace {
  readonly #moduleRef: ModuleRef;
  #found: { paths: ReadonlyMap<string, 'register' | 'refresh'>; base: string | null } | undefined;

  constructor(moduleRef: ModuleRef) {
    this.#moduleRef = moduleRef;
  }

  /** Which of the two a path is, with or without a slash at its end; undefined for any other. */
  routeAt(path: string): 'register' | 'refresh' | undefined {
    return this.found.paths.get(path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path);
  }

  /** Not with `routes: false`. */
  get isServed(): boolean {
    return this.found.base !== null;
  }

  get registerPath(): string {
    return `${this.found.base}/dbsc/register`;
  }

  get refreshPath(): string {
    return `${this.found.base}/dbsc/refresh`;
  }

  get excludedPaths(): string[] {
    return OPEN.map((path) => `${this.found.base}/${path}`);
  }

  private get found() {
    return (this.#found ??= this.find());
  }

  private find() {
    const posts = new ServedRoutes(this.#moduleRef).all().filter(({ method }) => method === RequestMethod.POST);
    const own = posts.flatMap(({ path }) => {
      const [, name] = OWN.exec(path) ?? [];
      return name ? [[path, name as 'register' | 'refresh'] as const] : [];
    });
    const [first] = own;
    return { paths: new Map(own), base: first ? first[0].replace(OWN, '') : null };
  }
}
