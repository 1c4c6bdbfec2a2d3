import { cleanText } from '../contracts/device';
import type { Peers } from './load-peers';
import type { PageLanguage } from './page-language';

/** Of a user-agent that nobody knows, this much is shown. */
const SHOWN = 80;
/** User-agents that are remembered: parsing one costs more than the rest of a session on a page. */
const MOST = 1_000;

interface Parsed {
  browser: string | undefined;
  system: string | undefined;
}

/** Tells people which device a user-agent stands for. What it says is a claim of the client, and nothing but text. */
export class DeviceDescriptions {
  private readonly known = new Map<string, Parsed>();

  constructor(private readonly bowser: Peers['bowser']) {}

  describe(userAgent: string | null, language: PageLanguage): string {
    const { browser, system } = this.parse(userAgent);
    if (browser && system) return language.text('device.on', { browser, system });
    return browser ?? system ?? cleanText(userAgent, SHOWN) ?? language.text('device.unknown');
  }

  /** Null for one that nobody knows. */
  browserOf(userAgent: string | null): string | null {
    return this.parse(userAgent).browser ?? null;
  }

  private parse(userAgent: string | null): Parsed {
    if (!userAgent) return { browser: undefined, system: undefined };
    // Names do not depend on versions, which differ with every update.
    const program = userAgent.replace(/\d+(?:[._]\d+)*/g, '');
    const known = this.known.get(program);
    if (known) return known;
    const { browser, os } = this.bowser.parse(userAgent);
    const parsed = { browser: browser.name || undefined, system: os.name || undefined };
    // Anybody can send another user-agent with every request: what is remembered stays bounded.
    if (this.known.size >= MOST) this.known.clear();
    this.known.set(program, parsed);
    return parsed;
  }
}
