import { describe, expect, it } from 'vitest';
import { AnswerCache } from '../../../lib/verifier/answer-cache';
import { deferred } from '../../support/controlled-repository';

function setUp(ttl = 1_000, size = 2) {
  const time = { now: 0 };
  const answers = new AnswerCache<string>(ttl, size, () => time.now);
  const asked: string[] = [];
  const get = (key: string, answer: Promise<string | null> = Promise.resolve(`answer to ${key}`)) =>
    answers.get(key, () => {
      asked.push(key);
      return answer;
    });
  return { time, get, asked };
}

describe('recent answers', () => {
  it('count for their time, and are asked for again after it', async () => {
    const { time, get, asked } = setUp();
    await get('a');
    time.now = 999;
    expect(await get('a')).toBe('answer to a');
    time.now = 1_000;
    await get('a');
    expect(asked).toEqual(['a', 'a']);
  });

  it('count from the question on, not from the answer: a slow one does not prolong its life', async () => {
    const { time, get, asked } = setUp();
    const slow = deferred<string | null>();
    const first = get('a', slow.promise);
    time.now = 900;
    const second = get('a');
    time.now = 1_000;
    const third = get('a');
    slow.resolve('from before');
    expect(await Promise.all([first, second, third])).toEqual(['from before', 'from before', 'answer to a']);
    expect(await get('a')).toBe('answer to a');
    expect(asked).toEqual(['a', 'a']);
  });

  it('are not kept when the token is not active, or nobody could tell', async () => {
    const { get, asked } = setUp();
    expect(await get('a', Promise.resolve(null))).toBeNull();
    await expect(get('a', Promise.reject(new Error('gone')))).rejects.toThrow('gone');
    expect(await get('a')).toBe('answer to a');
    expect(asked).toEqual(['a', 'a', 'a']);
  });

  it('leave when there are too many, the least recently used first', async () => {
    const { get, asked } = setUp();
    for (const key of ['a', 'b', 'a', 'c', 'a', 'b']) await get(key);
    expect(asked).toEqual(['a', 'b', 'c', 'b']);
  });

  it('are never shared without a time to live, even while one is under way', async () => {
    const { get, asked } = setUp(0);
    const first = deferred<string | null>();
    const before = get('a', first.promise);
    const after = get('a', Promise.resolve(null));
    expect(await after).toBeNull();
    first.resolve('from before the logout');
    expect(await before).toBe('from before the logout');
    expect(asked).toEqual(['a', 'a']);
  });
});
