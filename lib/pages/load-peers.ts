import { JwtKnoxConfigurationError } from '../contracts/errors';

/** What of the optional peers is used here; written out, so that an application without them still compiles. */
export interface Peers {
  Eta: new (options: { autoEscape: boolean }) => {
    loadTemplate(name: string, template: string): void;
    render(name: string, data: object): string;
  };
  Negotiator: new (request: { headers: object }) => { language(available: string[]): string | undefined };
  bowser: { parse(userAgent: string): { browser: { name?: string }; os: { name?: string } } };
}

const NAMES = ['eta', 'negotiator', 'bowser'] as const;

/**
 * Loaded when the feature is made, with `require`: Jest has no `import()`.
 * @throws JwtKnoxConfigurationError when one is not installed
 */
export function loadPeers(): Peers {
  const missing = NAMES.filter((name) => !isInstalled(name));
  if (missing.length > 0) {
    const problem = `needs the packages ${missing.join(', ')}; install them with \`npm install ${missing.join(' ')}\`.`;
    throw new JwtKnoxConfigurationError([problem], 'pages');
  }
  const { Eta } = require('eta') as Pick<Peers, 'Eta'>;
  const Negotiator = require('negotiator') as Peers['Negotiator'];
  return { Eta, Negotiator, bowser: require('bowser') as Peers['bowser'] };
}

function isInstalled(name: string): boolean {
  try {
    require.resolve(name);
    return true;
  } catch {
    return false;
  }
}
