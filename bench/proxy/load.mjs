import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';

/** What is asked, how often at once, and what a good answer is. */
export const WORKLOADS = {
  get: { title: 'GET, 40-byte JSON', method: 'GET', url: '/small', connections: 32, bytes: 40 },
  post: { title: 'POST, 10 KB', method: 'POST', url: '/upload', connections: 32, body: 10_240, bytes: 14 },
  download: { title: 'GET, 10 MB', method: 'GET', url: '/large', connections: 8, bytes: 10 * 1024 * 1024 },
};

/** Requests are made before the measurement, one for each key, and sent in turn. */
function luaScript({ method, url, body }, credentials) {
  const keys = credentials.map((each) => `"${each}"`).join(',');
  return `local keys = {${keys}}
local requests = {}
local at = 0
function init()
  local body = ${body === undefined ? 'nil' : `string.rep("x", ${body})`}
  for i, key in ipairs(keys) do
    requests[i] = wrk.format("${method}", "${url}", { ["x-api-key"] = key, ["User-Agent"] = "bench/1" }, body)
  end
end
function request()
  at = at % #requests + 1
  return requests[at]
end
`;
}

/** Runs wrk; gives requests a second, latency in milliseconds, and what went wrong. */
export async function runWrk(
  dir,
  port,
  workload,
  { seconds, connections = workload.connections, credentials },
) {
  const script = path.join(dir, 'wrk.lua');
  writeFileSync(script, luaScript(workload, credentials));
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', '-s', script];
  const child = spawn('wrk', [...args, `http://127.0.0.1:${port}${workload.url}`], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for await (const chunk of child.stdout) text += chunk;
  const number = (pattern) => Number(pattern.exec(text)?.[1] ?? 0);
  const latency = (percent) => {
    const found = new RegExp(`^ +${percent}% +([\\d.]+)(us|ms|s)$`, 'm').exec(text);
    return found === null ? undefined : Number(found[1]) * { us: 0.001, ms: 1, s: 1000 }[found[2]];
  };
  const requests = number(/^ *(\d+) requests in/m);
  return {
    perSecond: number(/^Requests\/sec: +([\d.]+)/m),
    p50: latency(50),
    p99: latency(99),
    requests,
    bad: number(/Non-2xx or 3xx responses: (\d+)/),
    broken:
      /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/
        .exec(text)
        ?.slice(1)
        .reduce((sum, n) => sum + Number(n), 0) ?? 0,
  };
}

/** One request whose status and length are looked at: a contender that answers wrongly is not measured. */
export async function verify(name, port, workload, credential) {
  const response = await fetch(`http://127.0.0.1:${port}${workload.url}`, {
    method: workload.method,
    headers: { 'x-api-key': credential },
    ...(workload.body === undefined ? {} : { body: 'x'.repeat(workload.body) }),
  });
  const { byteLength } = await response.arrayBuffer();
  if (response.status !== 200 || byteLength !== workload.bytes)
    throw new Error(`${name} answers ${workload.url} with ${response.status} and ${byteLength} bytes.`);
}
