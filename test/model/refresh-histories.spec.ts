import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { findAll, type Finding, type Findings, LOOKS } from './findings';
import { LOGGED_OUT, type Residual, THIEVES, THIEVES_IF_STRICT } from './residuals';
import { honestScenarios, racingScenarios, thiefScenarios } from './scenarios';

const bare = ({ what, circumstances, history }: Residual | Finding) => ({ what, circumstances, history });

const TIMEOUT = 120_000;

/** Exactly these, and not for want of histories. */
function expectExactly({ found, states }: Findings, residuals: readonly Residual[], leastStates: number): void {
  expect(found).toEqual(residuals.map(bare));
  expect(states).toBeGreaterThan(leastStates);
}

describe('all histories of a session that is refreshed', () => {
  it('log an honest user out in the ways that the documentation tells, and in no other', { timeout: TIMEOUT }, () => {
    expectExactly(findAll(honestScenarios(), LOOKS.user), LOGGED_OUT, 40_000);
  });

  it('leave a thief in the ways that the documentation tells, and in no other', { timeout: TIMEOUT }, () => {
    expectExactly(findAll(thiefScenarios(), LOOKS.thief), THIEVES, 40_000);
  });

  it('leave no thief in step with the victim when reuseInterval is 0', { timeout: TIMEOUT }, () => {
    expectExactly(findAll(thiefScenarios({ isStrict: true }), LOOKS.thief), THIEVES_IF_STRICT, 10_000);
    expect(THIEVES_IF_STRICT.map(({ name }) => name)).not.toContain('A thief in step');
  });

  it('know one family of keys, whoever gets in whose way', { timeout: TIMEOUT }, () => {
    expectExactly(findAll(racingScenarios(), LOOKS.nobody), [], 10_000);
  });

  it('emit refresh.retried in every round of a thief who goes on beside the victim', () => {
    // A round without such an event would have been told instead.
    const rounds = [...THIEVES, ...THIEVES_IF_STRICT].filter(({ what }) => what === 'goes on beside the victim');
    expect(rounds.length).toBeGreaterThan(5);
    for (const { history } of rounds) expect(history.split(' | ')[1]).toMatch(/: successor \(/);
  });

  it('are told by the documentation where something remains: these, and no others', () => {
    const page = readFileSync('docs/05-refresh-tokens.md', 'utf8');
    const section = page.split('\n## What remains\n')[1]!.split('\n## ')[0]!;
    const told = Array.from(section.matchAll(/^- \*\*(.+?)\.\*\*/gm), ([, name]) => name!);
    const names = new Set([...LOGGED_OUT, ...THIEVES, ...THIEVES_IF_STRICT].map(({ name }) => name));
    expect(told.toSorted()).toEqual([...names].toSorted());
  });
});
