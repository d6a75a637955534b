/** Runs at devices that no request explains: an exit code of its own says that there are any. */
export class EffectsFault extends Error {
  override readonly name = 'EffectsFault';
}
