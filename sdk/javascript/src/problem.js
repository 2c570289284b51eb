/** A refusal, of the server or of this client, told apart by its stable `code`. */
export class Problem extends Error {
  /**
   * @param {string} code as in the contract; of this client's own: connection_lost, order_altered, order_unknown,
   *   signed_out
   * @param {{status?: number, title?: string, detail?: string, retryAfter?: number}} [members] the problem's further
   *   members, as the contract names them
   */
  constructor(code, members = {}) {
    super(members.detail ?? members.title ?? code);
    this.name = "Problem";
    this.code = code;
    this.status = members.status ?? 0;
    this.members = members;
    this.retryAfter = members.retryAfter;
  }
}
