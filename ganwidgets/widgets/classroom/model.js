// The model of a panel on the page of a class, where there is no kernel.

/** The part of a model that a panel uses: traits that stay on this page, and frames as custom messages. */
export class Model {
  constructor(traits) {
    this.traits = traits;
    this.listeners = new Map();
  }
  get(key) {
    return this.traits[key];
  }
  set(key, value) {
    this.traits[key] = value;
    this.notify(`change:${key}`);
  }
  save_changes() {}
  send() {}
  on(event, act) {
    this.listeners.set(event, [...(this.listeners.get(event) ?? []), act]);
  }
  off(event, act) {
    this.listeners.set(event, (this.listeners.get(event) ?? []).filter((each) => each !== act));
  }
  notify(event, ...values) {
    for (const act of this.listeners.get(event) ?? []) act(...values);
  }
}
