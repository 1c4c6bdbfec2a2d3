import { inspect } from 'node:util';

/** Shows its name only, wherever it is printed or serialized: behind it are connections, and their passwords. */
export abstract class Redacted {
  [inspect.custom](): string {
    return `[${this.constructor.name}]`;
  }

  toJSON(): string {
    return this[inspect.custom]();
  }
}
