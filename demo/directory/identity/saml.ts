import { inflateRawSync } from 'node:zlib';
import { html } from 'hono/html';
// Its named exports are not all seen by Node: the tests' loader would hide that.
import samlify from 'samlify';
import type { LoginResponseTemplate } from 'samlify/types/src/libsaml.js';
import { Failure } from '../failures.js';
import { newSecret } from '../ids.js';
import type { Json, JsonObject } from '../model.js';
import { type Account, type Identity, partOf } from './accounts.js';
import {
  type Application,
  applicationSecret,
  configOf,
  type KeyPair,
  newKeyPair,
  putApplicationSecret,
  textOf,
} from './applications.js';

const XML_BYTES_MAX = 64 * 1024;
const RELAY_STATE_CHARACTERS_MAX = 2_048;
const REQUEST_MS = 10 * 60_000;
const ANSWER_MS = 5 * 60_000;
const CLOCK_MS = 60_000;
const ATTRIBUTE_NAME = /^[\w.:/-]{1,200}$/;
const PASSWORD = 'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport';
const RSA_SHA256 = 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256';
const MULTI_FACTOR = 'https://refeds.org/profile/mfa';
const EMAIL = 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress';

/** No document type: neither entities nor anything else is read from elsewhere. */
function checkXml(xml: string): void {
  if (/<!(?:DOCTYPE|ENTITY)/i.test(xml))
    throw new Failure(400, 'The request of the application is not valid.');
}
samlify.setSchemaValidator({
  validate: async (xml: string) => {
    checkXml(xml);
    return 'read';
  },
});

/** What of an application's request is answered; sealed while its user logs in. */
export interface SamlRequest {
  readonly application: string;
  readonly id: string;
  readonly relayState: string;
  readonly expiresAt: number;
}

export interface SamlMessage {
  readonly binding: 'redirect' | 'post';
  readonly samlRequest: string;
  readonly relayState: string;
  readonly query: Readonly<Record<string, string>>;
  /** As it was signed. */
  readonly octetString: string;
}

export function samlUrl({ origin }: Identity, { document }: Application): string {
  return `${origin}/saml2/${document._id}`;
}

/** The application's own, made when it is first needed. */
async function keyPairOf({ store, ports }: Identity, application: Application): Promise<KeyPair> {
  const certificate = textOf(application.document, 'idpCertificate');
  const privateKey = applicationSecret(store, application, 'idpPrivateKey');
  if (certificate !== undefined && privateKey !== undefined) return { certificate, privateKey };
  const made = await newKeyPair(`Keyward demo ${application.document._id}`, ports.now());
  return store.change(() => {
    const tenant = store.tenant(application.organization);
    const document = tenant.get('application', application.document._id);
    const already = document === undefined ? undefined : textOf(document, 'idpCertificate');
    const key = applicationSecret(store, application, 'idpPrivateKey');
    if (already !== undefined && key !== undefined) return { certificate: already, privateKey: key };
    if (document === undefined) throw new Failure(404, 'Not Found');
    const config = { ...(document.config as object), idpCertificate: { value: made.certificate } };
    tenant.put('application', { ...document, config });
    putApplicationSecret(store, application, 'idpPrivateKey', made.privateKey);
    return made;
  });
}

async function parties(identity: Identity, application: Application) {
  const { document } = application;
  const acsUrl = textOf(document, 'acsUrl');
  if (acsUrl === undefined) throw new Failure(404, 'This application has no address to sign in to.');
  const { certificate, privateKey } = await keyPairOf(identity, application);
  const location = samlUrl(identity, application);
  const spCertificate = textOf(document, 'spCertificate');
  const template = samlify.SamlLib.defaultLoginResponseTemplate.context.replace(
    '{AuthnStatement}',
    '<saml:AuthnStatement AuthnInstant="{AuthnInstant}" SessionIndex="{AssertionID}"><saml:AuthnContext>' +
      '<saml:AuthnContextClassRef>{AuthnContext}</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>',
  );
  const idp = samlify.IdentityProvider({
    metadata: metadataXml({
      ...{ entityId: textOf(document, 'idpEntityId') ?? location, location, certificate },
      wantsSigned: spCertificate !== undefined,
    }),
    privateKey,
    requestSignatureAlgorithm: RSA_SHA256,
    loginResponseTemplate: {
      context: template,
      attributes: attributesOf(application, {}).map(({ tag }) => tag),
    },
  });
  const sp = samlify.ServiceProvider({
    entityID: textOf(document, 'spEntityId') ?? acsUrl,
    authnRequestsSigned: spCertificate !== undefined,
    ...(spCertificate === undefined ? {} : { signingCert: spCertificate }),
    wantAssertionsSigned: true,
    wantMessageSigned: true,
    assertionConsumerService: [{ Binding: samlify.Constants.namespace.binding.post, Location: acsUrl }],
  });
  return { idp, sp, acsUrl };
}

/** Written here, as the library's own complains of a logout service that there is none of. */
function metadataXml(of: { entityId: string; location: string; certificate: string; wantsSigned: boolean }) {
  const services = (['redirect', 'post'] as const).map(
    (binding) =>
      html`<md:SingleSignOnService Binding="${samlify.Constants.namespace.binding[binding]}" Location="${of.location}"/>`,
  );
  return html`<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="${of.entityId}">
<md:IDPSSODescriptor WantAuthnRequestsSigned="${String(of.wantsSigned)}" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data>
<ds:X509Certificate>${bare(of.certificate)}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
<md:NameIDFormat>${EMAIL}</md:NameIDFormat>${services}</md:IDPSSODescriptor></md:EntityDescriptor>`.toString();
}

const bare = (pem: string) => pem.replaceAll(/-----[A-Z ]+-----|\s/g, '');

export async function metadataOf(identity: Identity, application: Application): Promise<string> {
  return (await parties(identity, application)).idp.getMetadata();
}

/**
 * Only id and issuer are taken from a request, both from its root. Where to answer comes from the application's own
 * settings: a request that names another place is refused.
 * @throws {Failure} 400
 */
export async function readSamlRequest(
  identity: Identity,
  application: Application,
  message: SamlMessage,
): Promise<SamlRequest> {
  const { idp, sp, acsUrl } = await parties(identity, application);
  const refused = new Failure(400, 'The request of the application is not valid.');
  if (message.relayState.length > RELAY_STATE_CHARACTERS_MAX) throw refused;
  try {
    const bytes = Buffer.from(message.samlRequest, 'base64');
    const xml =
      message.binding === 'post' ? bytes : inflateRawSync(bytes, { maxOutputLength: XML_BYTES_MAX });
    if (xml.length > XML_BYTES_MAX) throw refused;
    checkXml(xml.toString('utf8'));
    const { extract, samlContent } = await idp.parseLoginRequest(sp, message.binding, {
      ...{ query: { ...message.query }, body: { SAMLRequest: message.samlRequest } },
      octetString: message.octetString,
    });
    const { id, assertionConsumerServiceUrl, destination } = extract.request as Record<string, string>;
    if (id === undefined || extract.issuer !== sp.entityMeta.getEntityID()) throw refused;
    if (assertionConsumerServiceUrl !== undefined && assertionConsumerServiceUrl !== acsUrl) throw refused;
    if (destination !== undefined && destination !== samlUrl(identity, application)) throw refused;
    if (message.binding === 'post' && !signsRoot(samlContent, id, sp)) throw refused;
    const expiresAt = identity.ports.now() + REQUEST_MS;
    return { application: application.document._id, id, relayState: message.relayState, expiresAt };
  } catch {
    throw refused;
  }
}

/** A signature inside the message must be about the message itself, not about a part moved elsewhere in it. */
function signsRoot(xml: string, id: string, sp: ReturnType<typeof samlify.ServiceProvider>): boolean {
  if (!sp.entityMeta.isAuthnRequestSigned()) return true;
  const references = [...xml.matchAll(/<(?:\w+:)?Reference\b[^>]*\bURI="([^"]*)"/g)].map(([, uri]) => uri);
  const requests = xml.match(/<(?:\w+:)?AuthnRequest\b/g) ?? [];
  return requests.length === 1 && references.length === 1 && references[0] === `#${id}`;
}

type Attribute = NonNullable<LoginResponseTemplate['attributes']>[number];

function attribute(name: string, valueTag: string, value: string): { tag: Attribute; value: string } {
  const nameFormat = 'urn:oasis:names:tc:SAML:2.0:attrname-format:basic';
  return { tag: { name, valueTag, nameFormat, valueXsiType: 'xs:string' }, value };
}

/** About the user, and what the application's settings add for all. */
function attributesOf({ document }: Application, user: JsonObject): ReturnType<typeof attribute>[] {
  const constants = configOf(document, 'constantAttributes');
  const own = ['email', 'firstname', 'lastname'].map((name) =>
    attribute(name, name, String(user[name] ?? '')),
  );
  return [
    ...own,
    ...(Array.isArray(constants) ? constants : []).flatMap((each: Json, i) => {
      const [name, value] = [partOf(each, 'name'), partOf(each, 'value')];
      if (typeof name !== 'string' || !ATTRIBUTE_NAME.test(name) || typeof value !== 'string') return [];
      return [attribute(name, `constant${i}`, value)];
    }),
  ];
}

/** The signed answer, as a form's fields. `request`: none, where the user began at the directory. */
export async function samlResponse(
  identity: Identity,
  application: Application,
  account: Account,
  { request, mfa }: { request: SamlRequest | undefined; mfa: boolean },
): Promise<{ acsUrl: string; response: string }> {
  const { idp, sp, acsUrl } = await parties(identity, application);
  const { email, firstname, lastname } = account.document;
  const now = Date.now();
  const at = (ms: number) => new Date(now + ms).toISOString();
  const [id, assertion] = [`_${newSecret()}`, `_${newSecret()}`];
  const values = Object.fromEntries(
    attributesOf(application, {
      email: email ?? '',
      firstname: firstname ?? '',
      lastname: lastname ?? '',
    }).map(({ tag, value }) => [`attr${tag.valueTag[0]?.toUpperCase()}${tag.valueTag.slice(1)}`, value]),
  );
  const tags = {
    ...{ ID: id, AssertionID: assertion, Destination: acsUrl, SubjectRecipient: acsUrl },
    ...{ Audience: sp.entityMeta.getEntityID(), Issuer: idp.entityMeta.getEntityID() },
    ...{ IssueInstant: at(0), AuthnInstant: at(0), ConditionsNotBefore: at(-CLOCK_MS) },
    ...{ ConditionsNotOnOrAfter: at(ANSWER_MS), SubjectConfirmationDataNotOnOrAfter: at(ANSWER_MS) },
    ...{ StatusCode: samlify.Constants.StatusCode.Success, NameIDFormat: EMAIL, NameID: String(email) },
    InResponseTo: request?.id,
    AuthnContext: mfa ? MULTI_FACTOR : PASSWORD,
    ...values,
  };
  const made = await idp.createLoginResponse(
    sp,
    { extract: {} },
    'post',
    {},
    {
      customTagReplacement: (context) => ({ id, context: samlify.SamlLib.replaceTagsByValue(context, tags) }),
    },
  );
  return { acsUrl, response: made.context };
}
