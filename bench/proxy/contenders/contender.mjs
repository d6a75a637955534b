/** What every contender shares: it is told the upstream's port and says its own. */
export const upstreamPort = Number(process.argv[2]);

export function ready(server) {
  server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })));
}
