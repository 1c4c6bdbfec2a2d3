import { DataSource } from 'typeorm';
import { SessionRepository, type SessionStorage } from '../../lib';
import { JwtKnoxSession } from '../../lib/typeorm';
import { TypeOrmSessionRepository } from '../../lib/typeorm/typeorm-session.repository';

const METHODS = [
  'findById', 'findByIds', 'findByUser', 'findSlots', 'insert', 'vacate', 'reinstate', 'rotate', 'prolong', 'bindKey', 'acceptProof', 'noteRefusal', 'forgetRefusal', 'touch', 'moveAccessKey', 'renewKeys', 'rename', 'narrow',
  'deleteById', 'deleteByUser', 'deleteSurplus', 'findCrowded', 'deleteCreatedBefore', 'deleteExpired', 'statistics',
  'readCounter', 'raiseFence', 'isFenced',
] as const; // prettier-ignore

export type Method = (typeof METHODS)[number];

export interface Control {
  /** Every call so far, in order. */
  calls: Method[];
  /** Stands between the caller and the database; put a fault here. */
  intercept: (method: Method, proceed: () => Promise<any>) => Promise<any>;
  /** Lets everything pass again. */
  heal(): void;
}

/** The real storage, with a hand on its door: faults and delays go in by `control.intercept`. */
export function controlledRepository(): { storage: SessionStorage; control: Control } {
  const pass: Control['intercept'] = (_method, proceed) => proceed();
  const control: Control = { calls: [], intercept: pass, heal: () => void (control.intercept = pass) };

  class ControlledRepository extends TypeOrmSessionRepository {
    constructor(source: DataSource) {
      super(source.getRepository(JwtKnoxSession));
    }
  }
  for (const method of METHODS) {
    const real = TypeOrmSessionRepository.prototype[method] as (...args: any[]) => Promise<any>;
    Object.defineProperty(ControlledRepository.prototype, method, {
      async value(this: SessionRepository, ...args: any[]) {
        control.calls.push(method);
        return control.intercept(method, () => real.apply(this, args));
      },
    });
  }
  const useFactory = (source: DataSource) => new ControlledRepository(source);
  return { storage: { inject: [DataSource], useFactory }, control };
}

/** A promise to be settled from outside. */
export function deferred<T = void>() {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
