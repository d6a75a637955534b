import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PathTemplates } from './learn.js';
import { OBJECT_CHARS_MAX, OBJECTS_MAX } from './objects.js';

const segment = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('users', 'keys', 'me', 'v2', '__proto__', 'constructor', '{id}') },
  { weight: 3, arbitrary: fc.stringMatching(/^[a-z]{1,4}$/) },
  fc.uuid(),
  fc.nat().map(String),
  fc.string({ minLength: 1, maxLength: 90 }),
);
const request = fc.tuple(
  fc.oneof(fc.constantFrom('GET', 'POST', 'DELETE'), fc.string({ maxLength: 20 })),
  fc.array(segment, { maxLength: 16 }),
);
const bounds = { nodesMax: 60, wordsSoft: 4, wordsMax: 12 };

describe('learned templates', () => {
  it('are the same for the same paths', () => {
    fc.assert(
      fc.property(fc.array(request, { maxLength: 80 }), (requests) => {
        const [one, other] = [new PathTemplates(bounds), new PathTemplates(bounds)];
        for (const [method, segments] of requests)
          expect(one.templateOf(method, segments)).toEqual(other.templateOf(method, segments));
      }),
    );
  });

  it('go on after a snapshot as without one', () => {
    fc.assert(
      fc.property(fc.array(request, { maxLength: 80 }), fc.nat(80), (requests, cut) => {
        const one = new PathTemplates(bounds);
        let other = new PathTemplates(bounds);
        requests.forEach(([method, segments], n) => {
          if (n === cut) {
            const kept = other.snapshot();
            other = new PathTemplates(bounds);
            other.restore(kept);
          }
          expect(other.templateOf(method, segments)).toEqual(one.templateOf(method, segments));
          expect(other.size).toBe(one.size);
        });
      }),
    );
  });

  it('of a path do not change with what comes after it: nothing is taken back', () => {
    fc.assert(
      fc.property(
        fc.array(request, { maxLength: 40 }),
        fc.array(request, { maxLength: 40 }),
        (before, after) => {
          const run = (requests: readonly [string, string[]][]) => {
            const templates = new PathTemplates(bounds);
            return requests.map(
              ([method, segments]) => templates.templateOf(method, segments).operation.name,
            );
          };
          expect(run([...before, ...after]).slice(0, before.length)).toEqual(run(before));
        },
      ),
    );
  });

  it('are bounded in positions, objects and length, and never show a forged placeholder', () => {
    fc.assert(
      fc.property(fc.array(request, { maxLength: 200 }), (requests) => {
        const templates = new PathTemplates(bounds);
        for (const [method, segments] of requests) {
          const { operation, objects } = templates.templateOf(method, segments);
          expect(templates.size).toBeLessThanOrEqual(bounds.nodesMax);
          expect(objects.length).toBeLessThanOrEqual(OBJECTS_MAX);
          for (const each of objects) expect(each.length).toBeLessThanOrEqual(OBJECT_CHARS_MAX);
          expect(operation.name).toMatch(/^[A-Z]{1,16} \/(?:[^/{}\s]+|\{id\}|\{file\}\.\w+|\{rest\+\}|\/)*$/);
          expect(operation.privilege).toBeGreaterThan(0);
        }
      }),
      { numRuns: 60 },
    );
  });
});
