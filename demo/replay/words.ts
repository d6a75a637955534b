/** `Thu 22 Jun 02:00`, in UTC. */
export function time(ms: number): string {
  return `${day(ms)} ${new Date(ms).toISOString().slice(11, 16)}`;
}

export function day(ms: number): string {
  return DAY.format(ms).replace(',', '');
}

const DAY = new Intl.DateTimeFormat('en-GB', {
  ...{ weekday: 'short', day: '2-digit', month: 'short', timeZone: 'UTC' },
});

export function span(ms: number): string {
  if (ms < 120_000) return `${Math.round(ms / 1000)} s`;
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${(ms / 3_600_000).toFixed(1)} h`;
}

export function count(number: number): string {
  return number.toLocaleString('en-US');
}

/** `1 call`, `2,000 calls`. */
export function plural(number: number, one: string, many = `${one}s`): string {
  return `${count(number)} ${number === 1 ? one : many}`;
}
