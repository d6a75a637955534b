import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { planCampaign, playsOf, readCampaigns, resolved, victimsOf } from './campaign.js';
import { JUMPCLOUD } from './jumpcloud.js';
import { newPrincipal, newTenants } from './principals.js';
import { Random } from './random.js';
import { newStage, type Stage } from './traffic.js';

const campaigns = readCampaigns('world/campaigns');
const START = Date.UTC(2026, 5, 15);

function stageOf(seed: number): Stage {
  return newStage(JUMPCLOUD, new Random(seed), START, 28);
}

function principalsOf(seed: number) {
  const random = new Random(seed);
  const tenants = newTenants(JUMPCLOUD, random, 12);
  return Array.from({ length: 120 }, (_, n) =>
    newPrincipal(JUMPCLOUD, random, tenants[n % 12] as (typeof tenants)[number], 28, n),
  );
}

describe.each(campaigns)('$name', (campaign) => {
  it.each(playsOf(campaign))(
    'from $place, $pause s between calls: is the same each time, and in order',
    (play) => {
      const victims = victimsOf(campaign, principalsOf(3));
      expect(victims).toHaveLength(campaign.victims.tenants);
      expect(new Set(victims.map(({ tenant }) => tenant.id)).size).toBe(victims.length);
      const plan = () => planCampaign(stageOf(7), campaign, victims, play, START);
      const { calls, references, episode } = plan();
      expect(plan().calls).toEqual(calls);
      expect(calls.map(({ timeMs }) => timeMs)).toEqual(
        [...calls.map(({ timeMs }) => timeMs)].sort((a, b) => a - b),
      );
      expect(new Set(calls.map(({ wave }) => wave))).toEqual(new Set(campaign.waves.map(({ name }) => name)));
      expect(calls.some(({ gain }) => gain !== undefined)).toBe(true);
      expect(new Set(calls.map(({ key }) => key))).toEqual(new Set(episode.keys));
      const owners = new Map(victims.map((who) => [who.key, who]));
      for (const call of calls) {
        const { path: target, body } = resolved(call, references.get(call.key) ?? new Map());
        expect(`${target} ${JSON.stringify(body)}`).not.toContain('${');
        const own = play.place === 'own-network' || campaign.client === 'own';
        expect(call.userAgent === owners.get(call.key)?.client || !own).toBe(true);
      }
    },
  );

  it('names its objects before it uses them', () => {
    const known = new Set(Object.keys(campaign.picks ?? {}));
    for (const { on, as, body } of campaign.waves.flatMap(({ steps }) => steps)) {
      const used = [...(on === undefined ? [] : [on]), ...names(JSON.stringify(body ?? {}))];
      expect(used.filter((name) => !known.has(name))).toEqual([]);
      if (as !== undefined) known.add(as);
    }
  });
});

function names(text: string): string[] {
  return [...text.matchAll(/\$\{(\w+)\}/g)].map((match) => match[1] as string);
}

describe('a campaign file', () => {
  it.each([
    ['waves: []', 'title'],
    ['title: x\nsource: nowhere', 'source'],
    [
      'title: x\nsource: https://a.example\nvictims: { tenants: 1 }\nplaces: [moon]\npauses: [1]\nclient: thief\nwaves: [{ name: a, afterHours: 0, steps: [{ do: x }] }]',
      'places',
    ],
  ])('%j is refused with its name and field', (text, field) => {
    const dir = mkdtempSync(path.join(os.tmpdir(), 'keyward-campaigns-'));
    writeFileSync(path.join(dir, 'bad.yaml'), text);
    expect(() => readCampaigns(dir)).toThrow(new RegExp(`bad\\.yaml: [\\s\\S]*${field}`));
    rmSync(dir, { recursive: true });
  });
});
