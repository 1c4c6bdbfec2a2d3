import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { describeJwtKnox } from '../../lib/swagger';

export const builder = () =>
  new DocumentBuilder()
    .setTitle('Host')
    .setVersion('1.0')
    .setLicense('MIT', 'https://example.com/license')
    .addServer('https://app.example.com');

/** The whole document of an application, as it makes it itself. */
export function documentOf(app: INestApplication, version = '3.0.3'): OpenAPIObject {
  return describeJwtKnox(app, SwaggerModule.createDocument(app, builder().setOpenAPIVersion(version).build()));
}

/** The errors that Redocly finds by its recommended rules, each with its place. */
export async function lintErrors(document: object): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'jwt-knox-openapi-'));
  const file = join(folder, 'openapi.json');
  writeFileSync(file, JSON.stringify(document));
  const redocly = join(__dirname, '../../node_modules/@redocly/cli/bin/cli.js');
  const args = [redocly, 'lint', file, '--extends=recommended', '--format=json', '--max-problems=1000'];
  const env = { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' };
  try {
    const output = await new Promise<string>((resolve) => {
      execFile(process.execPath, args, { env, cwd: folder, maxBuffer: 1e8 }, (_error, stdout) => resolve(stdout));
    });
    const { problems } = JSON.parse(output.slice(output.indexOf('{'))) as { problems: any[] };
    return problems
      .filter(({ severity }) => severity === 'error')
      .map(({ ruleId, message, location }) => `${ruleId}: ${message} (${location?.[0]?.pointer})`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
