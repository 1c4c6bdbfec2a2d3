import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/** Holds docs/07-recipes.md to the recipes of a file, which are run by the test that calls this. */
export function describeRecipesOf(file: string): void {
  const source = readFileSync(file, 'utf8');
  const page = readFileSync('docs/07-recipes.md', 'utf8');
  const recipes = [...source.matchAll(/\/\*\* Recipe: (.*) \*\/\n([\s\S]*?)\/\*\* End of recipe \*\//g)];

  describe('the page of recipes', () => {
    it.each(recipes.map(([, title, code]) => [title!, code!]))('%s: shows the code that runs here', (title, code) => {
      expect(page).toContain(`## ${title[0]!.toUpperCase()}${title.slice(1)}`);
      expect(page).toContain(code.trim());
    });
  });
}
