import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../host/free-port';

const BINARY = process.env.TEST_PROMETHEUS ?? '/usr/bin/prometheus';

export interface Sample {
  metric: Record<string, string>;
  value: number;
}

/** The real Prometheus, which scrapes one address of this machine. */
export class Prometheus {
  private log = '';

  private constructor(
    private readonly child: ChildProcess,
    private readonly folder: string,
    private readonly url: string,
  ) {
    child.stderr!.on('data', (chunk: Buffer) => void (this.log += chunk.toString()));
  }

  static async start(target: string): Promise<Prometheus> {
    const folder = mkdtempSync(join(tmpdir(), 'knox-prometheus-'));
    const config = join(folder, 'prometheus.yml');
    writeFileSync(
      config,
      `global: { scrape_interval: 500ms }\nscrape_configs:\n  - job_name: app\n    static_configs: [{ targets: ['${target}'] }]\n`,
    );
    const address = `127.0.0.1:${await freePort()}`;
    const flags = [`--config.file=${config}`, `--storage.tsdb.path=${folder}/data`, `--web.listen-address=${address}`];
    const child = spawn(BINARY, flags, { stdio: ['ignore', 'ignore', 'pipe'] });
    const failed = once(child, 'error').then(([error]) => {
      throw error as Error;
    });
    failed.catch(() => undefined);
    const started = new Prometheus(child, folder, `http://${address}`);
    await Promise.race([failed, started.isReady()]);
    return started;
  }

  private async isReady(): Promise<void> {
    for (let left = 300; left > 0; left--) {
      const answer = await fetch(`${this.url}/-/ready`).catch(() => null);
      if (answer?.ok) return;
      if (this.child.exitCode !== null) throw new Error(`Prometheus ended: ${this.log}`);
      await delay(100);
    }
    throw new Error(`Prometheus is not ready: ${this.log}`);
  }

  /** What a query finds now. @throws for one that is wrong */
  async query(promql: string): Promise<Sample[]> {
    const answer = await fetch(`${this.url}/api/v1/query?query=${encodeURIComponent(promql)}`);
    const { status, data, error } = (await answer.json()) as any;
    if (status !== 'success') throw new Error(`${promql}: ${error}`);
    return data.result.map(({ metric, value }: any) => ({ metric, value: Number(value[1]) }));
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null) {
      this.child.kill('SIGTERM');
      await once(this.child, 'exit');
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}
