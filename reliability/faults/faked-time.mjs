// The machine's clock, moved for single processes by libfaketime (Debian's package `faketime`).
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

function findLibrary() {
  const folders = readdirSync('/usr/lib').map((name) => `/usr/lib/${name}/faketime/libfaketimeMT.so.1`);
  const library = folders.find((file) => existsSync(file));
  if (library) return library;
  throw new Error('libfaketime is missing: apt-get install faketime.');
}

/** A clock to be moved: start processes with its `env`, and move it while they run. */
export class FakedTime {
  /** @param isSteady whether timers stay as they are: the clock that counts since the start of the machine is not moved */
  static async create({ isSteady = true } = {}) {
    const time = new FakedTime();
    time.folder = await mkdtemp(join(tmpdir(), 'jwt-knox-time-'));
    time.file = join(time.folder, 'offset');
    time.env = {
      LD_PRELOAD: findLibrary(),
      FAKETIME_TIMESTAMP_FILE: time.file,
      FAKETIME_NO_CACHE: '1',
      ...(isSteady && { FAKETIME_DONT_FAKE_MONOTONIC: '1' }),
    };
    await time.move(0);
    return time;
  }

  /** Moves the clock to so many seconds ahead of the machine's, or behind. */
  async move(seconds) {
    // In one step: a file half written would be another time.
    await writeFile(`${this.file}.next`, `${seconds < 0 ? '' : '+'}${seconds}\n`);
    await rename(`${this.file}.next`, this.file);
    this.offset = seconds * 1_000;
  }

  /** What this clock shows, epoch ms. */
  now() {
    return Date.now() + this.offset;
  }

  /** @param pids of the processes that ran by it, which have ended: they leave their shared memory behind */
  async drop(pids) {
    await rm(this.folder, { recursive: true, force: true });
    for (const pid of pids) {
      for (const name of [`faketime_shm_${pid}`, `sem.faketime_sem_${pid}`])
        await rm(`/dev/shm/${name}`, { force: true });
    }
  }
}
