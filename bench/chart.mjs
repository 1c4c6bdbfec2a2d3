// A bar chart of one group, as SVG: server and database CPU, one upon the other.

const WIDTH = 860;
const LABELS = 300;
const FIGURES = 110;
const ROW = 26;
const TOP = 72;
const COLOURS = { server: '#3b6fb6', own: '#1f8a5b', database: '#e0a030' };

export function chartOf(figures, title) {
  const rows = figures.map(({ name, cpu, database }) => ({ name, cpu, database: database ?? 0 }));
  const scale = (WIDTH - LABELS - FIGURES) / Math.max(...rows.map(({ cpu, database }) => cpu + database));
  const height = TOP + rows.length * ROW + 12;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="13">`,
    `<title>${escape(title)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    `<text x="16" y="26" font-size="16" font-weight="bold" fill="#222">${escape(title)}</text>`,
    ...legend(),
    ...rows.flatMap((row, index) => bar(row, TOP + index * ROW, scale)),
    '</svg>\n',
  ].join('\n');
}

function legend() {
  const entries = [
    [COLOURS.own, 'this library'],
    [COLOURS.server, 'others'],
    [COLOURS.database, 'database'],
  ];
  return entries.flatMap(([colour, text], index) => [
    `<rect x="${16 + index * 130}" y="42" width="12" height="12" fill="${colour}"/>`,
    `<text x="${34 + index * 130}" y="53" fill="#444">${text}</text>`,
  ]);
}

function bar({ name, cpu, database }, y, scale) {
  const [server, more] = [cpu * scale, database * scale];
  const colour = name.startsWith('knox/') ? COLOURS.own : COLOURS.server;
  const figure = `${cpu.toFixed(0)}${database > 0 ? ` + ${database.toFixed(0)}` : ''} µs`;
  return [
    `<text x="${LABELS - 10}" y="${y + 14}" text-anchor="end" fill="#222">${escape(name)}</text>`,
    rectangle(LABELS, y, server, colour),
    ...(more > 0 ? [rectangle(LABELS + server, y, more, COLOURS.database)] : []),
    `<text x="${(LABELS + server + more + 8).toFixed(1)}" y="${y + 14}" fill="#222">${figure}</text>`,
  ];
}

function rectangle(x, y, width, colour) {
  return `<rect x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="18" fill="${colour}"/>`;
}

function escape(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
