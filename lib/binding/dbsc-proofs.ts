import {
  deviceKeyOf,
  type DeviceKey,
  isSigned,
  type PossessionProof,
  PossessionProofs,
} from '../tokens/possession-proof';
import { textOf } from './structured-fields';

const TYP = 'dbsc+jwt';

/** What browsers are asked for, and may sign with. */
export const ALGORITHMS: readonly string[] = ['ES256', 'RS256'];

const NEW_KEYS = new PossessionProofs({ typ: TYP, hasKey: true });
const KNOWN_KEYS = new PossessionProofs({ typ: TYP, hasKey: false });

/** The proof of a request as it was sent; null for none. */
export function shownProofIn(request: any): string | null {
  return textOf(request.headers['secure-session-response']);
}

/** A proof by the key that it names; null for what is none. */
export function proofOfNewKey(shown: string): (PossessionProof & { key: DeviceKey }) | null {
  const proof = NEW_KEYS.read(shown);
  if (!proof?.key || !ALGORITHMS.includes(proof.algorithm) || !isSigned(proof, proof.key)) return null;
  return { ...proof, key: proof.key };
}

/** A proof by the key of a session; null for what is none. @param boundKey a JWK, as the row has it */
export function proofOfKey(shown: string, boundKey: string): PossessionProof | null {
  const proof = KNOWN_KEYS.read(shown);
  if (!proof || !ALGORITHMS.includes(proof.algorithm)) return null;
  return isSigned(proof, deviceKeyOf(proof.algorithm, JSON.parse(boundKey))) ? proof : null;
}
