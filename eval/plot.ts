const WIDTH = 720;
const HEIGHT = 420;
const LEFT = 60;
const BOTTOM = 50;
const RIGHT = 190;
const TOP = 20;
const COLOURS = ['#0b57d0', '#b3261e', '#146c2e', '#7a5900', '#6b3fa0', '#00696f', '#8c4a00', '#5f6368'];

export interface Line {
  readonly name: string;
  /** x above 0, y from 0 to 1; x ascending. */
  readonly points: readonly (readonly [number, number])[];
}

/** Lines over a logarithmic x axis, as SVG that needs nothing else. */
export function linePlot(title: string, xTitle: string, yTitle: string, lines: readonly Line[]): string {
  const xs = lines.flatMap(({ points }) => points.map(([x]) => x));
  const from = Math.log10(Math.min(...xs));
  const to = Math.log10(Math.max(...xs));
  const x = (value: number) => LEFT + ((Math.log10(value) - from) / (to - from)) * (WIDTH - LEFT - RIGHT);
  const y = (value: number) => HEIGHT - BOTTOM - value * (HEIGHT - BOTTOM - TOP);
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<title>${title}</title><rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
  ];
  for (const tick of [0, 0.25, 0.5, 0.75, 1])
    parts.push(
      `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(tick)}" y2="${y(tick)}" stroke="#ddd"/><text x="${LEFT - 8}" y="${y(tick) + 4}" text-anchor="end">${tick}</text>`,
    );
  for (const tick of [...new Set(xs)])
    parts.push(`<text x="${x(tick)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${tick}</text>`);
  parts.push(
    `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 10}" text-anchor="middle">${xTitle}</text>`,
    `<text transform="translate(16 ${HEIGHT / 2}) rotate(-90)" text-anchor="middle">${yTitle}</text>`,
  );
  lines.forEach(({ name, points }, i) => {
    const colour = COLOURS[i % COLOURS.length];
    const path = points.map(([px, py]) => `${x(px).toFixed(1)},${y(py).toFixed(1)}`).join(' ');
    const width = i === 0 ? 3 : 1.5;
    parts.push(
      `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="${width}"/>`,
      `<text x="${WIDTH - RIGHT + 12}" y="${TOP + 16 + i * 18}" fill="${colour}">${name}</text>`,
    );
  });
  return `${parts.join('\n')}\n</svg>\n`;
}
