import { consequences } from './consequences.js';
import { changesBetween, eventOf, type Happened } from './events.js';
import { badRequest, Failure, notFound } from './failures.js';
import { isId, isoTime, type Ports } from './ids.js';
import type { Caller, Document, JsonObject, Kind } from './model.js';
import { nameOf, type Resource } from './resources.js';
import type { DirectoryStore, TenantStore } from './store.js';

/** What belongs to a change and is no part of the object: done in the same transaction. */
type Also = (document: Document) => void;
const nothing: Also = () => undefined;

/** Objects of one organisation for one caller: each change is recorded in the transaction that makes it. */
export class Directory {
  readonly store: DirectoryStore;
  readonly ports: Ports;
  readonly caller: Caller;
  readonly tenant: TenantStore;

  constructor(store: DirectoryStore, ports: Ports, caller: Caller) {
    this.store = store;
    this.ports = ports;
    this.caller = caller;
    this.tenant = store.tenant(caller.organization);
  }

  /** @throws {Failure} 404 */
  get(kind: Kind, id: string): Document {
    const document = isId(id) ? this.tenant.get(kind, id) : undefined;
    if (document === undefined) throw notFound();
    return document;
  }

  record(happened: Happened): void {
    this.tenant.append(eventOf(this.ports, this.caller, happened));
  }

  change<T>(work: () => T): Promise<T> {
    return this.store.change(work);
  }

  /** @throws {Failure} 400, 409 */
  create(resource: Resource, body: unknown, own: JsonObject = {}, also: Also = nothing): Promise<Document> {
    const input = readInput(resource, body);
    for (const field of resource.required) {
      if (input[field] === undefined || input[field] === null) throw badRequest(`${field} is required`);
    }
    return this.change(() => {
      this.#checkUnique(resource, input);
      const id = this.ports.newId();
      const made = { organization: this.caller.organization, at: isoTime(this.ports) };
      const document = { ...resource.defaults(made), ...input, ...own, _id: id, id };
      this.tenant.put(resource.kind, document);
      const changes = Object.entries(input).map(([field, to]) => ({ field, to }));
      this.#recordChange(resource, 'create', document, changes);
      consequences(this, resource, 'create', document);
      also(document);
      return document;
    });
  }

  /** Fields that are not named stay. @throws {Failure} 400, 404, 409 */
  update(resource: Resource, id: string, body: unknown, also: Also = nothing): Promise<Document> {
    return this.patch(resource, id, readInput(resource, body), undefined, also);
  }

  /** Like `update`, for fields that clients cannot set by themselves. */
  patch(
    resource: Resource,
    id: string,
    fields: JsonObject,
    event?: string,
    also: Also = nothing,
  ): Promise<Document> {
    return this.change(() => {
      const document = this.patchNow(resource, id, fields, event);
      also(document);
      return document;
    });
  }

  /** Like `patch`, in a transaction that is open already. */
  patchNow(resource: Resource, id: string, fields: JsonObject, event?: string): Document {
    const before = this.get(resource.kind, id);
    this.#checkUnique(resource, fields, id);
    const document = { ...before, ...fields, _id: id, id };
    this.tenant.put(resource.kind, document);
    const changes = changesBetween(before, document);
    if (event !== undefined) this.record({ type: event, resource: refer(resource, document), changes });
    else if (changes.length > 0) this.#recordChange(resource, 'update', document, changes);
    consequences(this, resource, 'update', document);
    return document;
  }

  /** With everything that was tied to it. @throws {Failure} 404 */
  remove(resource: Resource, id: string, also: Also = nothing): Promise<Document> {
    return this.change(() => {
      const document = this.get(resource.kind, id);
      this.tenant.remove(resource.kind, id);
      for (const link of this.tenant.links(resource.kind, id))
        this.tenant.removeLink(resource.kind, id, link.type, link.id);
      this.#recordChange(resource, 'delete', document, undefined);
      consequences(this, resource, 'delete', document);
      also(document);
      return document;
    });
  }

  #recordChange(
    resource: Resource,
    what: 'create' | 'update' | 'delete',
    document: Document,
    changes: readonly JsonObject[] | undefined,
  ): void {
    if (resource.event === undefined) return;
    this.record({
      type: `${resource.event}_${what}`,
      resource: refer(resource, document),
      ...(changes === undefined ? {} : { changes }),
    });
  }

  #checkUnique(resource: Resource, fields: JsonObject, own?: string): void {
    for (const field of resource.unique) {
      const wanted = fields[field];
      if (typeof wanted !== 'string') continue;
      const taken = this.tenant
        .all(resource.kind)
        .some((each) => each._id !== own && String(each[field]).toLowerCase() === wanted.toLowerCase());
      if (taken) throw new Failure(409, `${field} already exists`);
    }
  }
}

/** An object as events name it. */
export function refer(resource: Resource, document: Document): JsonObject {
  return { type: resource.kind, id: document._id, [resource.nameField]: nameOf(resource, document) };
}

/** Known fields of the right type; unknown and forbidden ones are passed over, as the real service does. */
function readInput(resource: Resource, body: unknown): JsonObject {
  const result = resource.input.safeParse(body);
  if (!result.success) {
    const issue = result.error.issues[0];
    throw badRequest(`Invalid ${issue?.path.join('.') || 'body'}`);
  }
  const present = Object.entries(result.data).filter(([, value]) => value !== undefined);
  return Object.fromEntries(present) as JsonObject;
}
