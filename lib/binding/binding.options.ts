import { JwtKnoxConfigurationError } from '../contracts/errors';
import type { FeatureSettings } from '../contracts/feature';

/** Whether a login must be bound to its device. */
export type BindingPolicy = 'prefer' | 'require';

/** How sessions are bound to the device that they began on. */
export interface DeviceBindingOptions {
  /**
   * Binding by the browser itself (Device Bound Session Credentials), for sessions in cookies. @default 'prefer'
   */
  dbsc?: 'off' | 'prefer' | undefined;
  /**
   * Binding by proofs of a key (DPoP, RFC 9449), for tokens in the `Authorization` header. `nonce`: every proof needs a nonce
   * of the server's. @default 'nonce' with `policy: 'require'`, else 'prefer'
   */
  dpop?: 'off' | 'prefer' | 'nonce' | undefined;
  /**
   * `prefer`: a device that can is bound. `require`: no other logs in, and sessions that are not bound are refused. A
   * function decides for each user; it must not wait. @default 'prefer'
   */
  policy?: BindingPolicy | ((user: any) => BindingPolicy) | undefined;
  /** From when on a browser's binding counts: its registration, or its first proof after it. @default 'first-proof' */
  enforceFrom?: 'first-proof' | 'registration' | undefined;
}

/** The same, complete and checked. */
export interface ResolvedBindingOptions {
  readonly dbsc: 'off' | 'prefer';
  readonly dpop: 'off' | 'prefer' | 'nonce';
  readonly policy: BindingPolicy | ((user: any) => BindingPolicy);
  readonly enforceFrom: 'first-proof' | 'registration';
}

const CHOICES = {
  dbsc: ['off', 'prefer'],
  dpop: ['off', 'prefer', 'nonce'],
  enforceFrom: ['first-proof', 'registration'],
} as const;
const KNOWN = [...Object.keys(CHOICES), 'policy'];

/** @throws JwtKnoxConfigurationError with all that is wrong */
export function resolveBindingOptions(given: DeviceBindingOptions = {}): ResolvedBindingOptions {
  const { policy = 'prefer', ...others } = Object(given) as DeviceBindingOptions;
  const problems = Object.keys(Object(given) as object)
    .filter((name) => !KNOWN.includes(name))
    .map((name) => `${name}: no such option; known are ${KNOWN.join(', ')}.`);
  for (const [name, choices] of Object.entries(CHOICES)) {
    const value: unknown = others[name as keyof typeof CHOICES];
    if (value === undefined || (choices as readonly unknown[]).includes(value)) continue;
    problems.push(`${name}: must be one of ${choices.map((choice) => `'${choice}'`).join(', ')}.`);
  }
  if (typeof policy !== 'function' && policy !== 'prefer' && policy !== 'require') {
    problems.push("policy: must be 'prefer', 'require' or a function that returns one of them for a user.");
  }
  const dbsc = others.dbsc ?? 'prefer';
  const dpop = others.dpop ?? (policy === 'require' ? 'nonce' : 'prefer');
  if (dbsc === 'off' && dpop === 'off') {
    problems.push('dbsc, dpop: both are off, and nothing could be bound; leave one of the two out.');
  }
  if (dbsc === 'off' && others.enforceFrom !== undefined) {
    problems.push("enforceFrom: is about what browsers bind, and dbsc is 'off'; leave it out.");
  }
  if (problems.length > 0) throw new JwtKnoxConfigurationError(problems, 'deviceBinding');
  return { dbsc, dpop, policy, enforceFrom: others.enforceFrom ?? 'first-proof' };
}

/** What the module lacks. */
export function bindingProblems({ publicOrigins }: FeatureSettings): string[] {
  if (publicOrigins.length > 0) return [];
  return [
    "deviceBinding: proofs name the address that they are for; set publicOrigin, such as 'https://app.example.com', to the one " +
      'that clients see.',
  ];
}
