import type { Allows, Edge, Histories } from './explore';

/** A way from the start to a state, and from there back to it. */
export interface Loop {
  way: number[];
  round: number[];
}

/** No round that matters is longer. */
const LONGEST = 12;

/** Whether histories can go on for ever in which all of `needs` happens again and again. */
export function loops(histories: Histories<any>, allows: Allows, needs: readonly string[]): boolean {
  return componentsWith(histories, allows, needs).length > 0;
}

/** The shortest round on which all of `needs` happens, by the shortest way to it. */
export function shortestLoop(histories: Histories<any>, allows: Allows, needs: readonly string[]): Loop | null {
  const ways = waysFromStart(histories, allows);
  let best: Loop | null = null;
  for (const nodes of componentsWith(histories, allows, needs)) {
    const stays = staysIn(new Set(nodes), allows);
    for (const node of nodes) {
      const way = ways.get(node)!;
      const longest = best ? best.round.length + best.way.length - way.length : LONGEST;
      const round = shortestRound(histories, node, stays, { needs, longest });
      if (round) best = { way, round };
    }
  }
  return best;
}

const staysIn =
  (nodes: ReadonlySet<number>, allows: Allows): Allows =>
  (edge) =>
    edge.outcome === undefined && nodes.has(edge.to) && allows(edge);

function componentsWith(histories: Histories<any>, allows: Allows, needs: readonly string[]): number[][] {
  return componentsOf(histories, allows).filter((nodes) => {
    const stays = staysIn(new Set(nodes), allows);
    const inside = nodes.flatMap((node) => histories.edges[node]!.filter(stays));
    return needs.every((need) => inside.some((edge) => edge.is.has(need)));
  });
}

function waysFromStart({ edges }: Histories<any>, allows: Allows): Map<number, number[]> {
  const ways = new Map<number, number[]>([[0, []]]);
  for (const [node, way] of ways)
    for (const edge of edges[node]!)
      if (edge.outcome === undefined && allows(edge) && !ways.has(edge.to)) ways.set(edge.to, [...way, edge.index]);
  return ways;
}

function shortestRound(
  { edges }: Histories<any>,
  node: number,
  stays: Allows,
  { needs, longest }: { needs: readonly string[]; longest: number },
): number[] | null {
  const met = (before: number, edge: Edge) =>
    needs.reduce((bits, need, bit) => (edge.is.has(need) ? bits | (1 << bit) : bits), before);
  const seen = new Set<string>();
  let front: { at: number; bits: number; round: number[] }[] = [{ at: node, bits: 0, round: [] }];
  for (let length = 1; length < longest && front.length > 0; length++) {
    const next: typeof front = [];
    for (const { at, bits, round } of front)
      for (const edge of edges[at]!.filter(stays)) {
        const now = met(bits, edge);
        if (edge.to === node && now === 2 ** needs.length - 1) return [...round, edge.index];
        if (seen.has(`${edge.to} ${now}`)) continue;
        seen.add(`${edge.to} ${now}`);
        next.push({ at: edge.to, bits: now, round: [...round, edge.index] });
      }
    front = next;
  }
  return null;
}

/** The strongly connected components of what can be reached (Tarjan's algorithm). */
function componentsOf({ edges }: Histories<any>, allows: Allows): number[][] {
  const order = new Map<number, number>();
  const low = new Map<number, number>();
  const open: number[] = [];
  const isOpen = new Set<number>();
  const found: number[][] = [];
  const lower = (node: number, to: number) => low.set(node, Math.min(low.get(node)!, to));
  const enter = (node: number) => {
    low.set(node, order.size);
    order.set(node, order.size);
    open.push(node);
    isOpen.add(node);
    return { node, rest: edges[node]!.filter((edge) => edge.outcome === undefined && allows(edge)) };
  };
  const leave = (node: number) => {
    if (low.get(node) !== order.get(node)) return;
    const nodes = open.splice(open.lastIndexOf(node));
    for (const one of nodes) isOpen.delete(one);
    found.push(nodes);
  };
  // A stack of our own: histories are longer than the call stack is deep.
  const stack = [enter(0)];
  while (stack.length > 0) {
    const { node, rest } = stack.at(-1)!;
    const edge = rest.pop();
    if (edge && !order.has(edge.to)) stack.push(enter(edge.to));
    else if (edge && isOpen.has(edge.to)) lower(node, order.get(edge.to)!);
    else if (!edge) {
      stack.pop();
      leave(node);
      if (stack.length > 0) lower(stack.at(-1)!.node, low.get(node)!);
    }
  }
  return found;
}
