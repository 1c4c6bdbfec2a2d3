// What Linux says of processes (proc(5)).
import { readdirSync, readFileSync } from 'node:fs';

/**
 * State, parent and time of processors (in ticks of 10 ms) of a process; null when it has ended. Its name may hold anything,
 * so they are read after its last bracket.
 */
export function statOf(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return { state: fields[0], parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) };
  } catch {
    return null;
  }
}

export function childrenOf(pid) {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return all.map(Number).filter((one) => statOf(one)?.parent === pid);
}
