// What somebody tries who holds the database: its values as keys, and its rows rewritten.
import { createHash, createHmac } from 'node:crypto';
import { forged } from './forgery.mjs';

const SECRETS = [
  'accessDigest', 'previousAccessDigest', 'accessSalt', 'refreshDigest', 'previousRefreshDigest', 'refreshSalt', 'rotationKeyDigest', 'id',
  'userId',
]; // prettier-ignore

/** One value in every spelling that might pass for 32 secret bytes. */
function spellingsOf(value) {
  const bytes = /^[0-9a-f]{64}$/.test(value) ? Buffer.from(value, 'hex') : createHash('sha256').update(value).digest();
  const derived = [
    bytes,
    createHash('sha256').update(bytes).digest(),
    createHash('sha256').update(value).digest(),
    createHmac('sha256', bytes).update('access').digest(),
    createHmac('sha256', bytes).update('refresh').digest(),
    Buffer.from(bytes.toReversed()),
  ];
  return [value, value.toUpperCase(), ...derived.map((one) => one.toString('base64url')), bytes.toString('base64')];
}

/**
 * Tokens for the sessions in a dump: the dump's values as token keys and session keys, rightly signed; the same signed
 * with the dump's values, for who lacks the signing key; and the values as they are.
 */
export function dumpForgeries(rows, booty) {
  const { victim, admin, mine, secret } = booty;
  const targets = [victim, admin].map(({ sub, sid, gen }) => ({ sub, sid, gen }));
  const values = rows
    .filter(({ id }) => [victim.sid, admin.sid, mine.sid].includes(id))
    .flatMap((row) => SECRETS.filter((name) => row[name]).map((name) => [`${row.userId}'s ${name}`, row[name]]));
  return values.flatMap(([name, value]) => {
    const keys = spellingsOf(value);
    const signed = targets.flatMap((target) =>
      keys.flatMap((key, i) => [
        { title: `${name}, spelling ${i}, as access key`, token: forged(mine.access, secret, { payload: { ...target, token_key: key } }) },
        { title: `${name}, spelling ${i}, as both refresh keys`, token: forged(mine.refresh, secret, { payload: { ...target, token_key: key, session_key: key } }) },
        { title: `${name}, spelling ${i}, as refresh key`, token: forged(mine.refresh, secret, { payload: { ...target, token_key: key } }) },
      ]),
    ); // prettier-ignore
    const unkeyed = targets.flatMap((target) =>
      [value, Buffer.from(value, 'hex'), keys[2]].map((hmac, i) => ({
        title: `signed with ${name}, spelling ${i}`,
        token: forged(mine.access, hmac, { payload: { ...target, token_key: keys[2] } }),
      })),
    );
    const bare = keys.map((key, i) => ({ title: `${name} itself, spelling ${i}`, token: key }));
    return [...signed, ...unkeyed, ...bare];
  });
}

const DIGESTS = [
  'accessDigest', 'previousAccessDigest', 'accessSalt', 'accessKeyAt', 'accessKeyIndex', 'refreshDigest', 'previousRefreshDigest',
  'refreshSalt', 'rotationKeyDigest', 'generation',
]; // prettier-ignore
const digestsOf = (row) => Object.fromEntries(DIGESTS.filter((name) => name in row).map((name) => [name, row[name]]));
// A planted fault may have lost the row.
const rowOf = async (doors, sid) => (await doors.rows(sid))[0] ?? {};

/** `meddle(doors)` rewrites rows; afterwards the forger's own good tokens must not be worth more than before. */
export const meddlings = [
  ...['victim', 'admin'].flatMap((whose) => [
    {
      title: `own row re-pointed to the ${whose}`,
      meddle: (doors) => doors.update(doors.booty.mine.sid, { userId: doors.booty[whose].sub }),
    },
    {
      title: `own row re-pointed to the ${whose}, in capitals`,
      meddle: (doors) => doors.update(doors.booty.mine.sid, { userId: doors.booty[whose].sub.toUpperCase() }),
    },
    {
      title: `own digests copied to the row of the ${whose}`,
      meddle: async (doors) => doors.update(doors.booty[whose].sid, digestsOf(await rowOf(doors, doors.booty.mine.sid))),
    },
    {
      title: `the digests of the ${whose} copied to the own row`,
      meddle: async (doors) => doors.update(doors.booty.mine.sid, digestsOf(await rowOf(doors, doors.booty[whose].sid))),
    },
    {
      title: `own row re-pointed to the ${whose}, with a proof of credentials in the future`,
      meddle: (doors) => doors.update(doors.booty.mine.sid, { userId: doors.booty[whose].sub, authenticatedAt: 9e15, expiresAt: 9e15 }),
    },
    {
      title: `own access digest as the previous one of the ${whose}`,
      meddle: async (doors) => {
        const { accessDigest } = await rowOf(doors, doors.booty.mine.sid);
        await doors.update(doors.booty[whose].sid, { previousAccessDigest: accessDigest });
      },
    },
    {
      title: `own refresh digest as the previous one of the ${whose}`,
      meddle: async (doors) => {
        const { refreshDigest } = await rowOf(doors, doors.booty.mine.sid);
        const previous = { previousRefreshDigest: refreshDigest, generation: 1, rotatedAt: Date.now(), lastUsedAt: 1, refreshSalt: refreshDigest };
        await doors.update(doors.booty[whose].sid, previous);
      },
    },
  ]),
  {
    title: 'own access digest as refresh digest',
    meddle: async (doors) => {
      const { accessDigest } = await rowOf(doors, doors.booty.mine.sid);
      await doors.update(doors.booty.mine.sid, { refreshDigest: accessDigest });
    },
  },
  {
    title: 'own refresh digest as access digest',
    meddle: async (doors) => {
      const { refreshDigest } = await rowOf(doors, doors.booty.mine.sid);
      await doors.update(doors.booty.mine.sid, { accessDigest: refreshDigest });
    },
  },
  { title: 'no digests at all', meddle: (doors) => doors.update(doors.booty.mine.sid, { accessDigest: '', refreshDigest: null }) },
  { title: 'own row prolonged for ever', meddle: (doors) => doors.update(doors.booty.mine.sid, { expiresAt: 9e15 }) },
]; // prettier-ignore
