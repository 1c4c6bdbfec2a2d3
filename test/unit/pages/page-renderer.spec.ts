import { describe, expect, it } from 'vitest';
import { loadPeers } from '../../../lib/pages/load-peers';
import { PageRenderer } from '../../../lib/pages/page-renderer';
import { TEMPLATES } from '../../../lib/pages/templates';

const request = { url: '/auth/login', headers: { 'accept-language': 'en' } };

describe('the templates of the pages', () => {
  it('are compiled when the module starts: not even the first request compiles one', async () => {
    const { Eta, ...peers } = loadPeers();
    let compiled = 0;
    class CountingEta extends (Eta as any) {
      constructor(options: object) {
        super(options);
        // As a property, where eta sets its own.
        const { compile } = this as any;
        (this as any).compile = (...given: unknown[]) => {
          compiled++;
          return compile.apply(this, given);
        };
      }
    }
    const renderer = new PageRenderer({}, { ...peers, Eta: CountingEta as unknown as typeof Eta });
    expect(compiled).toBe(Object.keys(TEMPLATES).length);
    const html = await renderer.render(request, { name: 'login', title: 'Log in', data: { username: '' } });
    expect(html).toContain('<input id="username"');
    expect(compiled).toBe(Object.keys(TEMPLATES).length);
  });
});
