import { readFileSync } from 'node:fs';
import { Webhook } from 'standardwebhooks';
import { afterEach, describe, expect, it } from 'vitest';
import { type EmailContent, emailSender, type SmtpSettings } from '../../src/notices/channels/email.js';
import { isPublic, resolvePublic } from '../../src/notices/channels/public-address.js';
import { webhookSender } from '../../src/notices/channels/webhook.js';
import type { Sender } from '../../src/notices/outbox.js';
import type { Delivery, Notice, SignedNotice } from '../../src/notices/records.js';
import { verifyNotice } from '../../src/notices/sign.js';
import { loadTemplates } from '../../src/notices/templates.js';
import { writeSigned } from '../../src/notices/write.js';
import { cidrSet } from '../../src/wire/cidr.js';
import { authority } from '../e2e/certificates.js';
import { facts, signingKey, T } from './fixture.js';
import { attachmentOf, httpReceiver, mailServer, messageId, rawReceiver, textOf } from './receivers.js';

const LOOPBACK = cidrSet(['127.0.0.0/8']);
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});
function closed<T extends { close(): unknown }>(what: T): T {
  closing.push(() => what.close());
  return what;
}

const notice: Notice = {
  ...{
    id: 'n1',
    incident: 'i7',
    tenant: 'acme',
    kind: 'touched',
    facts: facts(),
    draftedMs: T,
    draftedBy: 'anna',
  },
};
const { signed, subject } = writeSigned(
  { templates: loadTemplates(undefined), sender: 'security@guard.example', privateKey: signingKey() },
  notice,
  { atMs: T, tenantName: 'Ācme — GmbH', pickUp: undefined },
);

function delivery(recipient: string): Delivery {
  const begin = { state: 'sending', attempts: 1, inDoubt: 0, createdMs: T, nextMs: T } as const;
  return { id: 'n1_abcdef', channel: 'webhook', recipient, notice: 'n1', ...begin };
}

function attempt(sender: Sender, to: string, ms = 5_000) {
  return sender.send(delivery(to), AbortSignal.timeout(ms));
}

describe('an address of a webhook', () => {
  it.each([
    ...['127.0.0.1', '10.1.2.3', '172.31.255.255', '192.168.0.1', '169.254.169.254', '100.64.0.1', '0.0.0.0'],
    ...['168.63.129.16', '192.0.0.192', '224.0.0.1', '255.255.255.255', '198.18.0.1', '::', '::1', 'fe80::1'],
    ...['fc00::1', 'fd00:ec2::254', 'ff02::1', '::ffff:127.0.0.1', '::ffff:10.0.0.1', '64:ff9b::7f00:1'],
    ...['2002:7f00:1::', '2001:0:1::', '2001:db8::1', 'nonsense', ''],
  ])('%s is not public', (address) => expect(isPublic(address)).toBe(false));

  it.each(['8.8.8.8', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '::ffff:8.8.8.8'])('%s is', (address) =>
    expect(isPublic(address)).toBe(true),
  );

  it('is refused when its name leads inside, also when only one of its addresses does', async () => {
    const none = cidrSet([]);
    const inside = await resolvePublic('x.example', none, async () => ['8.8.8.8', '10.0.0.1']);
    expect(inside).toMatchObject({
      ok: false,
      permanent: true,
      problem: expect.stringContaining('10.0.0.1'),
    });
    expect(await resolvePublic('x.example', none, async () => ['8.8.8.8'])).toMatchObject({ ok: true });
    expect(await resolvePublic('x.example', none, async () => [])).toMatchObject({
      ok: false,
      permanent: false,
    });
    expect(await resolvePublic('[::1]', none)).toMatchObject({ ok: false, permanent: true });
    expect(await resolvePublic('127.0.0.1', LOOPBACK)).toMatchObject({ ok: true });
    expect(await resolvePublic('nowhere.invalid', none)).toMatchObject({ ok: false, permanent: false });
  });
});

describe('a webhook', () => {
  const OLD = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
  const NEW = `whsec_${Buffer.alloc(32, 2).toString('base64')}`;
  const sender = (over: { allowed?: ReturnType<typeof cidrSet>; secrets?: string[]; ca?: string } = {}) =>
    webhookSender({
      contentOf: () => ({ signed, secrets: over.secrets ?? [OLD] }),
      allowed: over.allowed ?? LOOPBACK,
      ca: over.ca,
      now: Date.now,
    });

  it('arrives with one id in every attempt, and a signature for each secret in use', async () => {
    const hook = closed(await httpReceiver((_, response) => response.end('fine')));
    for (let i = 0; i < 2; i += 1)
      expect(await attempt(sender({ secrets: [OLD, NEW] }), hook.url)).toEqual({ ok: true });
    expect(hook.received.map(({ headers }) => headers['webhook-id'])).toEqual(['n1_abcdef', 'n1_abcdef']);
    const [one] = hook.received;
    const headers = one?.headers as Record<string, string>;
    for (const secret of [OLD, NEW]) {
      const { type, data } = new Webhook(secret).verify(one?.body ?? '', headers) as {
        type: string;
        data: SignedNotice;
      };
      expect(type).toBe('notice.touched');
      expect(verifyNotice(JSON.stringify(data), signed.publicKey).ok).toBe(true);
    }
    const stranger = `whsec_${Buffer.alloc(32, 3).toString('base64')}`;
    expect(() => new Webhook(stranger).verify(one?.body ?? '', headers)).toThrow();
  });

  it('to an address inside is not even connected to, by number, by name or by another spelling', async () => {
    const hook = closed(await httpReceiver((_, response) => response.end()));
    const guarded = sender({ allowed: cidrSet(['192.0.2.0/24']) });
    for (const host of [
      '127.0.0.1',
      'localhost',
      '2130706433',
      '0x7f.1',
      '017700000001',
      '[::ffff:127.0.0.1]',
    ]) {
      const result = await attempt(guarded, `http://${host}:${hook.port}/hook`);
      expect(result, host).toMatchObject({ ok: false, permanent: true });
    }
    expect(hook.received).toEqual([]);
    const clear = await attempt(guarded, 'http://8.8.8.8/hook', 1_000);
    expect(clear).toMatchObject({
      ok: false,
      permanent: true,
      problem: expect.stringContaining('plain http'),
    });
  });

  it('over TLS is believed by its name, though it is connected to by its number', async () => {
    const certificates = authority();
    closing.push(() => certificates.remove());
    const serve = async (name: string) => {
      const files = certificates.issue(name, `DNS:${name}`);
      const tls = { cert: readFileSync(files.cert), key: readFileSync(files.key) };
      return closed(await httpReceiver((_, response) => response.end(), tls));
    };
    const ca = readFileSync(certificates.cert, 'utf8');
    const right = await serve('localhost');
    const to = (port: number) => `https://localhost:${port}/hook`;
    expect(await attempt(sender({ ca }), to(right.port))).toEqual({ ok: true });
    expect(right.received[0]?.headers.host).toBe(`localhost:${right.port}`);
    const wrong = await serve('other.example');
    for (const [with_, port] of [
      [{ ca }, wrong.port],
      [{}, right.port],
    ] as const)
      expect(await attempt(sender(with_), to(port))).toMatchObject({ ok: false, permanent: false });
    expect(wrong.received).toEqual([]);
    const open = closed(await httpReceiver((_, response) => response.end()));
    expect(await attempt(sender({ ca }), to(open.port))).toMatchObject({ ok: false, permanent: false });
  });

  it('that redirects inside is not followed', async () => {
    const secret = closed(await httpReceiver((_, response) => response.end('metadata')));
    for (const status of [301, 302, 303, 307, 308]) {
      const hook = closed(
        await httpReceiver((_, response) => response.writeHead(status, { location: secret.url }).end()),
      );
      expect(await attempt(sender(), hook.url)).toEqual({
        ...{ ok: false, permanent: false, problem: `answered ${status}; redirects are not followed` },
      });
    }
    expect(secret.received).toEqual([]);
  });

  it.each([
    ['accepts and never answers', () => undefined],
    ['answers a byte a time and never ends its head', (socket: import('node:net').Socket) => drip(socket)],
  ])('that %s is given up in time', async (_, talk) => {
    const hook = closed(await rawReceiver((socket) => socket.once('data', () => talk(socket))));
    const begun = Date.now();
    const result = await attempt(sender(), hook.url, 300);
    expect(result).toMatchObject({
      ok: false,
      permanent: false,
      problem: expect.stringContaining('in time'),
    });
    expect(Date.now() - begun).toBeLessThan(2_000);
  });

  it('that answers without end is cut off; 200 is a receipt whatever else it says', async () => {
    const hook = closed(
      await rawReceiver((socket) => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n');
        const flood = setInterval(() => socket.write('x'.repeat(65_536)), 1);
        socket.on('close', () => clearInterval(flood));
      }),
    );
    expect(await attempt(sender(), hook.url)).toEqual({ ok: true });
    const garbage = closed(await httpReceiver((_, response) => response.end('{"error": <<garbage>>')));
    expect(await attempt(sender(), garbage.url)).toEqual({ ok: true });
  });

  it.each([
    [500, false],
    [429, false],
    [404, false],
    [410, true],
  ])('that answers %i has failed, for good: %s', async (status, permanent) => {
    const hook = closed(
      await httpReceiver((_, response) => response.writeHead(status).end('<script>secret</script>')),
    );
    expect(await attempt(sender(), hook.url)).toEqual({
      ok: false,
      permanent,
      problem: `answered ${status}`,
    });
  });

  it('that is gone, speaks something else or breaks off is tried again', async () => {
    const gone = await httpReceiver(() => undefined);
    await gone.close();
    const other = closed(await rawReceiver((socket) => socket.end('SSH-2.0-OpenSSH\r\n')));
    const broken = closed(
      await rawReceiver((socket) =>
        socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab')),
      ),
    );
    for (const url of [gone.url, other.url, broken.url])
      expect(await attempt(sender(), url)).toMatchObject({ ok: false, permanent: false });
  });
});

function drip(socket: import('node:net').Socket): void {
  socket.write('HTTP/1.1 200 OK\r\nX-Slow: ');
  const timer = setInterval(() => socket.write('x'), 20);
  socket.on('close', () => clearInterval(timer));
}

describe('an e-mail', () => {
  const content: EmailContent = { signed, subject, appendix: '\nONE-TIME CODES\n', approvedMs: T };
  const sender = (smtp: Partial<SmtpSettings> & { port: number }) =>
    emailSender({
      smtp: {
        host: '127.0.0.1',
        security: 'none',
        from: 'Guard <security@guard.example>',
        timeoutMs: 400,
        ...smtp,
      },
      contentOf: () => content,
    });

  it('arrives as text with the signed file, under one Message-ID and Date in every attempt', async () => {
    const server = closed(await mailServer());
    for (let i = 0; i < 2; i += 1)
      expect(await attempt(sender(server), 'ada@acme.example')).toEqual({ ok: true });
    expect(server.mails.map(messageId)).toEqual(['n1_abcdef@guard.example', 'n1_abcdef@guard.example']);
    const [mail] = server.mails;
    expect(mail?.to).toEqual(['ada@acme.example']);
    expect(mail?.raw).toMatch(/^Date: Tue, 24 Nov 2026 08:00:00 \+0000/m);
    expect(mail?.raw).toMatch(/^Auto-Submitted: auto-generated/m);
    expect(textOf(mail as never)).toBe(`${signed.text}\nONE-TIME CODES`);
    expect(verifyNotice(attachmentOf(mail as never), signed.publicKey).ok).toBe(true);
    expect(mail?.raw).not.toMatch(/text\/html|:\/\//i);
  });

  it('goes over STARTTLS with a login where that is asked, and not at all where it is not offered', async () => {
    const certificates = authority();
    closing.push(() => certificates.remove());
    const files = certificates.issue('localhost');
    const tls = { cert: readFileSync(files.cert), key: readFileSync(files.key) };
    const logins: unknown[] = [];
    const server = closed(
      await mailServer({
        ...{ ...tls, authOptional: false, disabledCommands: [] },
        onAuth: ({ username, password }, session, done) => {
          logins.push([username, session.secure]);
          if (password === 'right') done(null, { user: username });
          else done(new Error('no'));
        },
      }),
    );
    const ca = readFileSync(certificates.cert, 'utf8');
    const secure = { port: server.port, security: 'starttls', user: 'guard', ca, host: 'localhost' } as const;
    expect(await attempt(sender({ ...secure, password: 'right' }), 'ada@acme.example')).toEqual({ ok: true });
    expect(logins).toEqual([['guard', true]]);
    const refused = await attempt(sender({ ...secure, password: 'wrong' }), 'ada@acme.example');
    expect(refused).toMatchObject({ ok: false, permanent: false });
    expect(JSON.stringify(refused)).not.toContain('wrong');
    const plainServer = closed(await mailServer());
    const plain = { port: plainServer.port, security: 'starttls', ca } as const;
    expect(await attempt(sender(plain), 'ada@acme.example')).toMatchObject({ ok: false, permanent: false });
    expect(plainServer.mails).toEqual([]);
  });

  it('to a mailbox that does not exist has failed for good; a busy server is asked again', async () => {
    const server = closed(
      await mailServer({
        onRcptTo: ({ address }, _session, done) => {
          const code = address.startsWith('busy') ? 451 : 550;
          done(Object.assign(new Error('secret words of the server'), { responseCode: code }));
        },
      }),
    );
    const never = await attempt(sender(server), 'nobody@acme.example');
    expect(never).toEqual({ ok: false, permanent: true, problem: 'the mail server answered 550 at RCPT TO' });
    expect(await attempt(sender(server), 'busy@acme.example')).toMatchObject({ ok: false, permanent: false });
  });

  it('is tried again when the server dies in the middle of it, before or after it had everything', async () => {
    for (const enough of [/./s, /\r\n\.\r\n$/]) {
      let cut = 0;
      const dying = closed(
        await rawReceiver((socket) => {
          socket.write('220 x ESMTP\r\n');
          let data: string | undefined;
          socket.on('data', (bytes) => {
            if (data !== undefined) {
              data += bytes.toString();
              if (enough.test(data) && cut === 0) {
                cut += 1;
                socket.destroy();
              }
            } else if (/^DATA/i.test(bytes.toString())) {
              data = '';
              socket.write('354 go on\r\n');
            } else socket.write('250 ok\r\n');
          });
        }),
      );
      const result = await attempt(sender(dying), 'ada@acme.example');
      expect(result).toMatchObject({ ok: false, permanent: false });
      expect(cut).toBe(1);
    }
  });

  it('does not wait for a server that hangs: silent, greeting only, or busy for ever', async () => {
    const silent = closed(await rawReceiver(() => undefined));
    const greets = closed(await rawReceiver((socket) => socket.write('220 x ESMTP\r\n')));
    const drips = closed(
      await rawReceiver((socket) => {
        const timer = setInterval(() => socket.write('220-x\r\n'), 50);
        socket.on('close', () => clearInterval(timer));
      }),
    );
    for (const server of [silent, greets, drips]) {
      const begun = Date.now();
      expect(await attempt(sender(server), 'ada@acme.example', 1_000)).toMatchObject({
        ok: false,
        permanent: false,
      });
      expect(Date.now() - begun).toBeLessThan(2_500);
    }
  });
});
