import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];
const MISSING =
  'The tests of the demo directory’s pages need Chromium. Install it (Debian: apt-get install chromium) ' +
  'or name it in CHROMIUM_PATH.';

/** @returns {string | undefined} */
function find() {
  return [process.env.CHROMIUM_PATH, ...PLACES].find((each) => each !== undefined && existsSync(each));
}

/**
 * The browser of this machine.
 * @returns {string}
 */
export function chromiumPath() {
  const found = find();
  if (found === undefined) throw new Error(MISSING);
  return found;
}

/** Where there is none, and we may: Debian's. Elsewhere the tests that need it say so. */
export function ensureChromium() {
  if (find() !== undefined) return;
  if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    console.log('Installing Chromium (apt-get install chromium) …');
    const options = { stdio: ['ignore', 'ignore', 'inherit'] };
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    spawnSync('apt-get', ['update', '-qq'], options);
    spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium'], {
      ...options,
      env,
    });
  }
  if (find() === undefined) console.error(MISSING);
}
