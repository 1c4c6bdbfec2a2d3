import { SETTINGS } from './scenarios';
import { MISHAPS } from './world';

const { lost, late, slow, windowPasses, forgotten, overwritten, restored } = MISHAPS;
const { storeReadAgain, keyCopied, inStep, inWindow } = MISHAPS;
const { noKeys, noLock, twoStores, strict, clocksApart } = SETTINGS;

/** What remains, and the name under which docs/05-refresh-tokens.md tells of it. */
export interface Residual {
  name: string;
  what: string;
  circumstances: string[];
  /** The shortest one. What comes after a `|` can go on for ever. */
  history: string;
}

/** Honest users who are logged out. */
export const LOGGED_OUT: Residual[] = [
  {
    name: 'A restored backup',
    what: 'is logged out',
    circumstances: [restored],
    history:
      'tab 1 sends R0, key 1; R0 of tab 1: rotate; the answer R1 to tab 1 arrives; tab 1 sends R1, key 2; the backup of the login is restored; R1 of tab 1: invalid',
  },
  {
    name: 'Two stores',
    what: 'is logged out',
    circumstances: [twoStores],
    history:
      'tab 1 sends R0, key 1; R0 of tab 1: rotate; the answer R1 to tab 1 arrives; the rotation is 10 s old; tab 2 sends R0, key 2; R0 of tab 2: replay',
  },
  {
    name: 'A late request',
    what: 'is logged out',
    circumstances: [late],
    history:
      'tab 1 sends R0, key 1; tab 1 gives up, its request is still under way; tab 1 sends R0, key 1; R0 of tab 1: rotate; the answer R1 to tab 1 arrives; tab 1 sends R1, key 2; the rotation is 10 s old; R1 of tab 1: rotate; R0 of tab 1: replay',
  },
  {
    name: 'A forgotten key',
    what: 'is logged out',
    circumstances: [forgotten, lost],
    history:
      'tab 1 sends R0, key 1; R0 of tab 1: rotate; the answer R1 to tab 1 is lost; the rotation is 10 s old; key 1 is forgotten; tab 1 sends R0, key 2; R0 of tab 1: replay',
  },
  {
    name: 'An old answer',
    what: 'is logged out',
    circumstances: [lost, overwritten],
    history:
      'tab 1 sends R0, key 1; R0 of tab 1: rotate; the answer R1 to tab 1 arrives; tab 1 sends R1, key 2; R1 of tab 1: same; the answer R1 to tab 1 comes too late; the rotation is 10 s old; tab 1 sends R1, key 2; R1 of tab 1: rotate; the answer R2 to tab 1 arrives; the answer R1 to tab 1 is stored; the rotation is 10 s old; tab 1 sends R1, key 3; R1 of tab 1: replay',
  },
  {
    name: 'A lost answer without a key',
    what: 'is logged out',
    circumstances: [noKeys, lost, windowPasses],
    history:
      'tab 1 sends R0; R0 of tab 1: rotate; the answer R1 to tab 1 is lost; the rotation is 10 s old; the rotation is 300 s old; tab 1 sends R0; R0 of tab 1: replay',
  },
  {
    name: 'Tabs without a lock',
    what: 'is logged out',
    circumstances: [noLock, lost],
    history:
      'tab 1 sends R0, key 1; R0 of tab 1: rotate; the answer R1 to tab 1 is lost; the rotation is 10 s old; tab 2 sends R0, key 2; R0 of tab 2: replay',
  },
  {
    name: 'Tabs without a lock',
    what: 'is logged out',
    circumstances: [noLock, slow],
    history:
      'tab 1 sends R0, key 1; R0 of tab 1: rotate; the rotation is 10 s old; tab 2 sends R0, key 2; R0 of tab 2: replay',
  },
  {
    name: 'Tabs without a lock',
    what: 'is logged out',
    circumstances: [noLock, strict],
    history: 'tab 1 sends R0, key 1; tab 2 sends R0, key 2; R0 of tab 1: rotate; R0 of tab 2: replay',
  },
  {
    name: 'Clocks that differ',
    what: 'is logged out',
    circumstances: [noKeys, clocksApart, lost],
    history:
      'tab 1 sends R0; R0 of tab 1 at server 1: rotate; the answer R1 to tab 1 is lost; tab 1 sends R0; R0 of tab 1 at server 2: replay',
  },
  {
    name: 'Tabs without a lock',
    what: 'is logged out',
    circumstances: [noLock, clocksApart],
    history:
      'tab 1 sends R0, key 1; tab 2 sends R0, key 2; R0 of tab 1 at server 1: rotate; R0 of tab 2 at server 2: replay',
  },
];

/** Thieves who are not found when the victim refreshes. */
export const THIEVES: Residual[] = [
  {
    name: 'A copy in the middle of a refresh',
    what: 'is not found when the victim refreshes',
    circumstances: [keyCopied],
    history:
      'tab 1 sends R0, key 1; the thief copies R0 and key 1; the thief sends R0, key 1: rotate; R0 of tab 1: successor (idempotency)',
  },
  {
    name: 'A thief in the store',
    what: 'is not found when the victim refreshes',
    circumstances: [storeReadAgain],
    history:
      'tab 1 sends R0, key 1; the thief copies R0; the thief copies R0 again; the thief sends R0, key 1: rotate; R0 of tab 1: successor (idempotency)',
  },
  {
    name: 'A thief in step',
    what: 'is not found when the victim refreshes',
    circumstances: [inStep],
    history:
      'tab 1 sends R0, key 1; the thief copies R0; the thief sends R0: rotate; R0 of tab 1: successor (interval)',
  },
  {
    name: 'A thief in the store',
    what: 'goes on beside the victim',
    circumstances: [storeReadAgain],
    history:
      'tab 1 sends R0, key 1; R0 of tab 1: rotate; the thief copies R0 | the thief copies R0 again; the answer R1 to tab 1 arrives; the thief sends R0, key 1: successor (idempotency); the rotation is 10 s old; tab 1 sends R1, key 2; R1 of tab 1: rotate',
  },
  {
    name: 'A thief in step',
    what: 'goes on beside the victim',
    circumstances: [inStep],
    history:
      'the thief copies R0; the thief sends R0, key 1: rotate | tab 1 sends R0, key 2; R0 of tab 1: successor (interval); the answer R1 to tab 1 arrives; the rotation is 10 s old; the thief sends R1, key 3: rotate',
  },
  {
    name: 'The victim stays away',
    what: 'goes on alone',
    circumstances: [],
    history:
      'the thief copies R0; the thief sends R0: rotate; the rotation is 10 s old; the thief sends R1, key 1: rotate | the rotation is 10 s old; the thief sends R2, key 2: rotate',
  },
  {
    name: 'A client without keys',
    what: 'is not found when the victim refreshes',
    circumstances: [noKeys, inWindow],
    history:
      'the thief copies R0; the thief sends R0: rotate; the rotation is 10 s old; tab 1 sends R0; R0 of tab 1: successor (window)',
  },
  {
    name: 'A client without keys',
    what: 'goes on beside the victim',
    circumstances: [noKeys, inWindow],
    history:
      'the thief copies R0; the thief sends R0: rotate | the rotation is 10 s old; tab 1 sends R0; R0 of tab 1: successor (window); the answer R1 to tab 1 arrives; the thief sends R1: rotate',
  },
  {
    name: 'Clocks that differ',
    what: 'is not found when the victim refreshes',
    circumstances: [clocksApart],
    history:
      'the thief copies R0; the thief sends R0 at server 2: rotate; the rotation is 5 s old; the rotation is 10 s old; tab 1 sends R0, key 1; R0 of tab 1 at server 1: successor (interval)',
  },
  {
    name: 'Clocks that differ',
    what: 'goes on beside the victim',
    circumstances: [clocksApart],
    history:
      'the thief copies R0; the thief sends R0, key 1 at server 2: rotate | the rotation is 5 s old; the rotation is 10 s old; tab 1 sends R0, key 2; R0 of tab 1 at server 1: successor (interval); the answer R1 to tab 1 arrives; the thief sends R1, key 3 at server 2: rotate',
  },
];

/** The same with `reuseInterval: 0`. */
export const THIEVES_IF_STRICT: Residual[] = [
  {
    name: 'A copy in the middle of a refresh',
    what: 'is not found when the victim refreshes',
    circumstances: [keyCopied],
    history:
      'tab 1 sends R0, key 1; the thief copies R0 and key 1; the thief sends R0, key 1: rotate; R0 of tab 1: successor (idempotency)',
  },
  {
    name: 'A thief in the store',
    what: 'is not found when the victim refreshes',
    circumstances: [storeReadAgain],
    history:
      'tab 1 sends R0, key 1; the thief copies R0; the thief copies R0 again; the thief sends R0, key 1: rotate; R0 of tab 1: successor (idempotency)',
  },
  {
    name: 'A thief in the store',
    what: 'goes on beside the victim',
    circumstances: [storeReadAgain],
    history:
      'tab 1 sends R0, key 1; R0 of tab 1: rotate; the thief copies R0 | the thief copies R0 again; the answer R1 to tab 1 arrives; tab 1 sends R1, key 2; the thief sends R0, key 1: successor (idempotency); R1 of tab 1: rotate',
  },
  {
    name: 'The victim stays away',
    what: 'goes on alone',
    circumstances: [],
    history:
      'the thief copies R0; the thief sends R0: rotate; the thief sends R1, key 1: rotate | the thief sends R2, key 2: rotate',
  },
  {
    name: 'A client without keys',
    what: 'is not found when the victim refreshes',
    circumstances: [noKeys, inWindow],
    history: 'tab 1 sends R0; the thief copies R0; the thief sends R0: rotate; R0 of tab 1: successor (window)',
  },
  {
    name: 'A client without keys',
    what: 'goes on beside the victim',
    circumstances: [noKeys, inWindow],
    history:
      'the thief copies R0; the thief sends R0: rotate | tab 1 sends R0; R0 of tab 1: successor (window); the answer R1 to tab 1 arrives; the thief sends R1: rotate',
  },
  {
    name: 'Clocks that differ',
    what: 'is not found when the victim refreshes',
    circumstances: [noKeys, clocksApart, windowPasses],
    history:
      'the thief copies R0; the thief sends R0 at server 2: rotate; the rotation is 5 s old; the rotation is 295 s old; the rotation is 300 s old; tab 1 sends R0; R0 of tab 1 at server 1: successor (window)',
  },
  {
    name: 'Clocks that differ',
    what: 'goes on beside the victim',
    circumstances: [noKeys, clocksApart, windowPasses],
    history:
      'the thief copies R0; the thief sends R0 at server 2: rotate | the rotation is 5 s old; the rotation is 295 s old; the rotation is 300 s old; tab 1 sends R0; R0 of tab 1 at server 1: successor (window); the answer R1 to tab 1 arrives; the thief sends R1 at server 2: rotate',
  },
];
