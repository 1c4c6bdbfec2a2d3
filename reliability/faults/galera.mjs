// Nodes of a Galera cluster, each of which takes writes.
import { existsSync } from 'node:fs';
import { freePort, PrivateServer, removing } from './private-server.mjs';

const PROVIDERS = ['/usr/lib/galera/libgalera_smm.so', '/usr/lib64/galera-4/libgalera_smm.so'];
/** A node that was killed is missed after a second: by default the others wait for it for five. */
const PATIENCE = ['evs.keepalive_period=PT0.2S', 'evs.inactive_check_period=PT0.2S', 'evs.suspect_timeout=PT1S', 'evs.inactive_timeout=PT3S']; // prettier-ignore

/** Runs `proof` with the nodes of a fresh cluster; whatever state they are left in, they are gone afterwards. */
export async function withGalera(count, proof) {
  const provider = PROVIDERS.find((path) => existsSync(path));
  if (!provider) throw new Error('Galera is missing: apt-get install galera-4 rsync.');
  const ports = [];
  for (let index = 0; index < count; index++) {
    ports.push({ group: await freePort(), increments: await freePort(), state: await freePort() });
  }
  const nodes = [];
  const members = ports.map(({ group }) => `127.0.0.1:${group}`).join(',');
  const begin = (index) => {
    if (index === count) return proof(nodes);
    return removing(new PrivateServer('galera'), async (node) => {
      const known = { provider, members, ...ports[index] };
      // The others copy what the first has.
      if (index === 0) await node.install();
      else await node.empty();
      // The first makes the cluster that the others come to; so does it itself, when it comes back.
      node.wsrep = wsrep(known, index === 0 ? 'gcomm://' : undefined);
      await node.start();
      node.wsrep = wsrep(known);
      nodes.push(node);
      return begin(index + 1);
    });
  };
  return begin(0);
}

function wsrep({ provider, members, group, increments, state }, address = `gcomm://${members}`) {
  const own = [
    `gmcast.listen_addr=tcp://127.0.0.1:${group}`,
    `ist.recv_addr=127.0.0.1:${increments}`,
    'gcache.size=32M',
  ];
  return [
    '--wsrep-on=ON --binlog-format=ROW --innodb-autoinc-lock-mode=2 --default-storage-engine=InnoDB',
    `--wsrep-provider=${provider} --wsrep-cluster-address=${address} --wsrep-node-address=127.0.0.1:${group}`,
    `--wsrep-sst-method=rsync --wsrep-sst-receive-address=127.0.0.1:${state}`,
    `--wsrep-provider-options=${[...own, ...PATIENCE].join(';')}`,
  ].join(' ');
}
