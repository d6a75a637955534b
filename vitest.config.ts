import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: [
      'src/**/*.test.ts',
      'src/**/*.fuzz.ts',
      'test/**/*.test.ts',
      'bench/**/*.test.ts',
      'catalogs/**/*.test.ts',
      'world/**/*.test.ts',
      'eval/**/*.test.ts',
      'demo/**/*.test.ts',
    ],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
