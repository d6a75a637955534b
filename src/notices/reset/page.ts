import { createHash } from 'node:crypto';

/** The pages of the reset listener: plain HTML, no scripts, nothing from elsewhere. */

const STYLE =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}' +
  'h1{font-size:1.4rem}label{display:block;font-weight:600;margin:1rem 0 .3rem}' +
  'input,output,button{font:inherit;font-family:ui-monospace,monospace;padding:.5rem}' +
  'input{width:100%;box-sizing:border-box}output{display:block;background:#f2f2f2;overflow-wrap:anywhere}' +
  'button{margin-top:1rem;cursor:pointer}';

export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': [
    "default-src 'none'",
    `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; '),
};

export function askPage(problem?: string): string {
  const said = problem === undefined ? '' : `<p role="alert"><strong>${escaped(problem)}</strong></p>`;
  return page(
    'Pick up a replacement key',
    `${said}<p>Enter the one-time code from the notice that you received. The key is shown once.
Nobody needs a password of yours for this.</p>
<form method="post" action="/" autocomplete="off">
<label for="code">One-time code</label>
<input id="code" name="code" required maxlength="200" autocapitalize="characters" spellcheck="false">
<button type="submit">Show the key once</button>
</form>`,
  );
}

export function keyPage(name: string, credential: string): string {
  return page(
    'Your replacement key',
    `<p>The replacement for <strong>${escaped(name)}</strong>. It is shown this once: put it where the old key was before you
leave this page.</p>
<label for="key">Key</label>
<output id="key">${escaped(credential)}</output>
<p>Seen something here that you did not expect, or is the key refused although nobody else should have it? Tell us: the code in your
notice may have been read by somebody else.</p>`,
  );
}

export function usedPage(at: string): string {
  return page(
    'This code was used',
    `<p role="alert">The key of this code was picked up at <strong>${escaped(at)}</strong>. If that was not you, tell us at once:
somebody else has read your notice.</p>`,
  );
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${title}</title><style>${STYLE}</style></head>
<body><main><h1>${title}</h1>
${body}
</main></body></html>
`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (each) => `&#${each.charCodeAt(0)};`);
}
