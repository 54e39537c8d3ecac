// The model of a panel on the page of a class, where there is no kernel.

/** What a panel needs of a model: traits that stay on this page, and the frames as custom messages. */
export class Model {
  constructor(traits) {
    this.traits = traits;
    this.heard = new Map();
  }
  get(key) {
    return this.traits[key];
  }
  set(key, value) {
    this.traits[key] = value;
    this.tell(`change:${key}`);
  }
  save_changes() {}
  send() {}
  on(event, act) {
    this.heard.set(event, [...(this.heard.get(event) ?? []), act]);
  }
  off(event, act) {
    this.heard.set(event, (this.heard.get(event) ?? []).filter((each) => each !== act));
  }
  tell(event, ...values) {
    for (const act of this.heard.get(event) ?? []) act(...values);
  }
}
